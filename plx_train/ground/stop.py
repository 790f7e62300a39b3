"""SIGTERM, SIGINT and SIGHUP as a request: the step is finished and saved before the process ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

STEP_SECONDS = 5.0
"""A step that goes on for longer after a signal is given up: ten seconds are all that many systems grant."""
AGAIN_SECONDS = 2.0
TRACING_SECONDS = 0.2
TRACING = "/paddle/jit/"
"""Parts of paths of code that calls back into Python from places where no exception may come."""


class Stopped(SystemExit):
    """The end that a signal asked for; the exit code is 128 + its number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number).name

    def __str__(self) -> str:
        return self.signal


class StopRequest:
    """Whether a signal has asked this process to end; a second one ends it at once.

    Nothing is interrupted by the first: who can end in good order asks, by `check`; who doesn't within
    `patience` seconds, `STEP_SECONDS` unless given, gets `Stopped` raised wherever it is.
    """

    def __init__(self, patience: float | None = None) -> None:
        self.number: int | None = None
        self._patience = STEP_SECONDS if patience is None else patience

    @property
    def is_made(self) -> bool:
        """A signal has come."""
        return self.number is not None

    def check(self) -> None:
        """
        Raises:
            Stopped: a signal has come.
        """
        if self.number is not None:
            raise Stopped(self.number)

    @contextmanager
    def listening(self) -> Iterator[StopRequest]:
        """Within the block signals are noted; only the main thread can listen, elsewhere nothing changes."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        former = {number: signal.getsignal(number) for number in _numbers()}
        for number, handler in former.items():
            # Ignored by whoever started us: nohup does so.
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._receive)
        try:
            yield self
        finally:
            _alarm(0.0)
            for number, handler in former.items():
                signal.signal(number, handler)

    @contextmanager
    def unmasked(self) -> Iterator[None]:
        """Raises `Stopped` at the block's end if a signal has come: libraries turn it into errors of their own."""
        try:
            yield
            self.check()
        except Exception:
            self.check()
            raise
        finally:
            _alarm(0.0)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            os._exit(128 + number)
        self.number = number
        _alarm(self._patience, self._give_up)

    def _give_up(self, number: int, frame: FrameType | None) -> None:
        if _is_tracing(frame):
            _alarm(TRACING_SECONDS, self._give_up)
            return
        # Where a library swallows it, it comes again.
        _alarm(AGAIN_SECONDS, self._give_up)
        self.check()


def _is_tracing(frame: FrameType | None) -> bool:
    while frame is not None:
        if TRACING in Path(frame.f_code.co_filename).as_posix():
            return True
        frame = frame.f_back
    return False


def _numbers() -> list[signal.Signals]:
    return [signal.Signals[name] for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]


def _alarm(seconds: float, handler: Any = signal.SIG_DFL) -> None:
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds)
