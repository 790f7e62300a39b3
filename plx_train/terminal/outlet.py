"""One of the process's outputs: takes all that is written, raises nothing, and holds nobody up for long."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 0.25
"""How long a writer waits for a reader that has stopped; until it reads again, nobody waits a second time."""
MOST_HELD = 1 << 20
"""Bytes kept for a reader that has stopped; of more, the oldest are dropped."""
PIECE_BYTES = 512
"""What can be written at once wherever anything can: POSIX has no pipe take less."""
PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EAGAIN)
"""Faults after which a later text may arrive; after any other nobody can read any more."""


class Outlet:
    """Writes to a file descriptor that may be closed, full, or read by nobody.

    What goes to a pipe, a terminal or a socket is written by a thread, because nothing else can leave a reader that has
    stopped alone: whether a descriptor blocks is shared with all programs that write to it.

    Attributes:
        fault: the error number of what was lost first; None while all has arrived.
    """

    def __init__(self, number: int, is_missing: bool = False) -> None:
        """
        Args:
            is_missing: there is no output, so that all is lost.
        """
        self.number = number
        self._target = number
        self._kept: int | None = None
        self._silenced: int | None = None
        self.fault: int | None = errno.EBADF if is_missing else None
        self._is_silent = is_missing
        self._can_stop = _can_stop(number)
        self._start_anew()
        call_in_forks(self._start_anew)

    def _start_anew(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._size = self._dropped = 0
        self._is_writing = self._is_held = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def write(self, data: bytes) -> None:
        """Writes `data`, or keeps it where the reader has stopped."""
        if self._is_silent or not data or self._silenced == threading.get_ident():
            return
        if not self._can_stop:
            self._write_now(data)
            return
        if sys.is_finalizing():
            # No thread runs any more, nor starts, and one may have taken the lock with it.
            self._write_readily(data)
            return
        with self._changed:
            self._waiting.append(data)
            self._size += len(data)
            self._drop_oldest()
            if self._thread is None:
                self._start_thread()
            self._changed.notify_all()
        if not self._is_held:
            self._is_held = not self.drain(PATIENCE_SECONDS)

    @contextmanager
    def silenced(self) -> Iterator[None]:
        """Within the block neither this thread nor native code is heard; what others write, or wrote, arrives.

        One thread at a time may be in it.
        """
        if self._silenced == threading.get_ident():
            yield
            return
        # Never closed: the thread that writes may be about to use it.
        if self._kept is None:
            self._kept = os.dup(self.number)
        else:
            os.dup2(self.number, self._kept, inheritable=False)
        self._target, self._silenced = self._kept, threading.get_ident()
        lead_nowhere(self.number)
        try:
            yield
        finally:
            os.dup2(self._kept, self.number)
            self._target, self._silenced = self.number, None

    def drain(self, seconds: float | None) -> bool:
        """Waits until all is written, at most so long, or for ever where it is None; whether it was."""
        give_up = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            while (self._waiting or self._is_writing) and not self._is_silent:
                left = None if give_up is None else give_up - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._write_on, name="outlet", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The machine has no room for it, or Python is at its end.
            while self._waiting:
                self._write_readily(self._waiting.popleft())
            self._size = 0
        else:
            self._thread = thread

    def _write_readily(self, data: bytes) -> None:
        """Writes `data` without a thread, as far as a reader takes it; the rest is lost."""
        for start in range(0, len(data), PIECE_BYTES):
            with contextlib.suppress(OSError, ValueError):
                if self._is_silent or not select.select([], [self._target], [], PATIENCE_SECONDS)[1]:
                    return
            self._write_now(data[start : start + PIECE_BYTES])

    def _drop_oldest(self) -> None:
        while self._size > MOST_HELD and len(self._waiting) > 1:
            oldest = self._waiting.popleft()
            self._size -= len(oldest)
            self._dropped += oldest.count(b"\n")

    def _write_on(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                while not self._waiting:
                    self._is_held = False
                    self._changed.wait()
                data, dropped = self._waiting.popleft(), self._dropped
                self._size -= len(data)
                self._dropped, self._is_writing = 0, True
            if dropped:
                self._write_now(f"[{dropped} lines were left out here: nobody was reading]\n".encode("ascii"))
            self._write_now(data)

    def _write_now(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                try:
                    left = left[os.write(self._target, left) :]
                except BlockingIOError:
                    # Some other program has set the descriptor so.
                    select.select([], [self._target], [], PATIENCE_SECONDS)
                    if not self._can_stop:
                        raise
        except OSError as error:
            self.fault = self.fault or error.errno or errno.EIO
            if error.errno not in PASSING:
                self._fall_silent()

    def _fall_silent(self) -> None:
        """Leads what other code writes to the descriptor nowhere too, which would hear of the fault again."""
        self._is_silent = True
        with contextlib.suppress(OSError):
            lead_nowhere(self._target)


def lead_nowhere(number: int) -> None:
    """Has what is written to a descriptor lost.

    Raises:
        OSError: there is no such descriptor, or no room for another.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def call_in_forks(method: Callable[[], None]) -> None:
    """Has a method called at the beginning of every forked process, as long as its object is there."""
    if not hasattr(os, "register_at_fork"):
        return
    known = weakref.WeakMethod(method)

    def call() -> None:
        found = known()
        if found is not None:
            found()

    os.register_at_fork(after_in_child=call)


def _can_stop(number: int) -> bool:
    """Whether a reader decides when something is written."""
    try:
        mode = os.fstat(number).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (stat.S_ISCHR(mode) and os.isatty(number))
