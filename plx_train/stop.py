"""SIGTERM, SIGINT and SIGHUP as a request: the step is finished and saved before the process ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STEP_SECONDS = 5.0
"""A step that goes on for longer after a signal is given up: ten seconds are all that many systems grant."""


class Stopped(SystemExit):
    """The end that a signal asked for; the exit code is 128 + its number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number).name

    def __str__(self) -> str:
        return self.signal


class StopRequest:
    """Whether a signal has asked this process to end; a second one ends it at once."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._is_deferred = False

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
        """Within the block signals come here; only the main thread can listen, elsewhere nothing changes."""
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
        except Exception:
            self.check()
            raise
        self.check()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within the block a signal is noted, for `check` to raise; outside it is raised where it comes."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False
            _alarm(0.0)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            os._exit(128 + number)
        self.number = number
        # Where it is raised at once a library may swallow it: raised again later, it comes out elsewhere.
        _alarm(STEP_SECONDS, self._give_up)
        if not self._is_deferred:
            raise Stopped(number)

    def _give_up(self, number: int, frame: FrameType | None) -> None:
        self.check()


def _numbers() -> list[signal.Signals]:
    return [signal.Signals[name] for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]


def _alarm(seconds: float, handler: Any = signal.SIG_DFL) -> None:
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds)
