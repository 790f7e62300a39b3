"""Sees to it that a run's record says how the run ended."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from plx_train.errors import UserError
from plx_train.tracking.delivery import first_line
from plx_train.tracking.tracker import Tracker


class Terminated(SystemExit):
    """SIGTERM, raised in the main thread so that ``finally`` and ``with`` run; the exit code is 143."""

    def __init__(self) -> None:
        super().__init__(143)


@contextmanager
def tracked(tracker: Tracker) -> Iterator[Tracker]:
    """Finishes `tracker` with the status that is true.

    FINISHED when the block ends, FAILED on an exception, KILLED on Ctrl-C and SIGTERM; the exception goes on.
    """
    with terminable():
        try:
            yield tracker
        except (KeyboardInterrupt, Terminated) as error:
            tracker.finish("KILLED", "interrupted" if isinstance(error, KeyboardInterrupt) else "terminated")
            raise
        except SystemExit as error:
            tracker.finish("FAILED" if error.code else "FINISHED", f"exit code {error.code}" if error.code else None)
            raise
        except UserError as error:
            tracker.finish("FAILED", str(error))
            raise
        except BaseException as error:
            tracker.finish("FAILED", f"{type(error).__name__}: {first_line(error)}")
            raise
        tracker.finish("FINISHED")


@contextmanager
def terminable() -> Iterator[None]:
    """Within the block SIGTERM raises `Terminated`, in the main thread; a second one does as before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous: Any = signal.getsignal(signal.SIGTERM)

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, previous)
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
