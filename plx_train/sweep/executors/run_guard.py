"""What stands between a sweep and one run: starts it, asks it to end, and ends all of it when the sweep is gone.

A process of its own, because only that outlives a sweep that is killed; its standard input closes then, which no
thread of the sweep has a part in. What the run leaves behind, wherever it hides, becomes the guard's child and ends
with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from plx_train.distributed.guard import end_with_parent, kill_group

POLL_SECONDS = 0.1
LEFTOVER_SECONDS = 1.0
"""What processes in groups of their own get to notice that the run has ended: guards of ranks tidy up then."""
GIVE_UP_SECONDS = 2.0
PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Runs ``argv[2:]``; asked to, ends it: at once by SIGTERM, ``argv[1]`` seconds later by SIGKILL.

    Standard input gets a line when the run is to end, and is closed when the sweep has ended; standard output tells
    in lines of JSON the run's ``pid`` and exit ``code``, or its ``failure`` to start; standard error is the run's log.
    """
    take_signals()
    # Ray kills the children of a worker that ends, but not theirs: the guard has to outlive that.
    if os.fork():
        os.wait()
        return
    os.setsid()
    adopt_orphans()
    try:
        child = subprocess.Popen(
            sys.argv[2:],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    except OSError as error:
        _tell(failure=str(error))
        return
    watch(child, float(sys.argv[1]))


def take_signals() -> None:
    """Has signals of terminals pass this process by."""
    # Handlers, because a program that is started would inherit that a signal is ignored.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)


def watch(child: Run, kill_after: float) -> None:
    """Tells how a run ends, and ends it and all that it leaves behind, as `main` says."""
    _tell(pid=child.pid)
    is_killed = False
    try:
        is_killed = _watch(child, kill_after)
    finally:
        kill_group(child.pid)
        code = child.wait()
        _end_leftovers()
    _tell(code=code, is_killed=is_killed)


class Run(Protocol):
    """A process that was started here."""

    pid: int
    returncode: int | None

    def wait(self) -> int:
        """Its exit code, once it has ended; -9 and the like where a signal killed it."""


def _watch(child: Run, kill_after: float) -> bool:
    """Returns when the run has ended or has to be killed; whether that is for not ending when it was asked to."""
    deadline: float | None = None
    while not _has_ended(child):
        if deadline is not None and time.monotonic() >= deadline:
            return True
        if not select.select([0], [], [], POLL_SECONDS)[0]:
            continue
        if not os.read(0, 1 << 12):
            return False
        if deadline is None:
            deadline = time.monotonic() + kill_after
            # Not through Popen, which would reap it.
            os.kill(child.pid, signal.SIGTERM)
    return False


def _has_ended(child: Run) -> bool:
    """Whether the run has ended; reaps everybody who has."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return True
        if not pid:
            return False


def adopt_orphans() -> None:
    """Has the kernel make us the parent of descendants whose parent ends; elsewhere than on Linux, does nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def _end_leftovers() -> None:
    started = time.monotonic()
    with contextlib.suppress(ChildProcessError):
        while (passed := time.monotonic() - started) < GIVE_UP_SECONDS:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
            if passed > LEFTOVER_SECONDS:
                for pid in _children():
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS / 4)


def _children() -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def _tell(**message: Any) -> None:
    # Nobody may be left to hear it.
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
