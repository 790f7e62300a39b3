"""The end of a server's process, which comes in its time whatever its threads are at."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from plx_train.serving.server import CLOSING_SECONDS, Server
from plx_train.terminal.streams import flush

THREADS = ("plx-serve", "plx-decode", "plx-predict", "plx-follow")
"""Beginnings of names of threads that work on requests."""
LEAVE_SECONDS = 1.0
"""Seconds in which such threads may end by themselves."""
MARGIN_SECONDS = 2.0

GUARD = """
import os, select, signal, sys
parent, drain, closing = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
seconds = None
while select.select([0], [], [], seconds)[0]:
    found = os.read(0, 100)
    if not found:
        sys.exit()
    asked = sum(number in (signal.SIGTERM, signal.SIGINT) for number in found)
    if asked:
        seconds = closing if seconds is not None or asked > 1 else drain + closing
if os.getppid() == parent:
    os.kill(parent, signal.SIGKILL)
"""
"""A process that ends its parent some time after a signal came, of which it hears even where no Python can run."""


@contextmanager
def guarded(drain_seconds: float) -> Iterator[None]:
    """Within the block a signal ends this process at the latest so many seconds and a few more after it came.

    Handlers of signals wait for whoever holds Python's lock, and a prediction by Paddle does; Python's own part in C,
    which tells the guard, does not. Only the main thread can be guarded; elsewhere nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    closing = CLOSING_SECONDS + LEAVE_SECONDS + MARGIN_SECONDS
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", GUARD, str(os.getpid()), str(drain_seconds), str(closing)],
        stdin=ours,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(ours)
    former = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(former)
        os.close(theirs)
        guard.kill()
        guard.wait()


def run_guarded(
    server: Server, listener: socket.socket, drain_seconds: float, leave: Callable[[], None] | None = None
) -> None:
    """Serves at a socket until a signal, and ends the process where the server doesn't come to its end.

    Args:
        leave: what is still to be done then, guarded too; it may end the process.
    """
    with guarded(drain_seconds):
        server.run(sockets=[listener])
        (leave or partial(leave_if_held, server))()


def leave_if_held(server: Server) -> None:
    """Ends the process where a thread is at work that may never end: Python would wait for it."""
    ends = time.monotonic() + LEAVE_SECONDS
    while held := [thread for thread in threading.enumerate() if thread.name.startswith(THREADS)]:
        if time.monotonic() > ends:
            leave(min(server.left_undone, 1))
        held[0].join(0.05)


def leave(code: int) -> None:
    """Ends the process at once with this exit code; what was written is handed on."""
    flush()
    os._exit(code)
