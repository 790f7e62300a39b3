"""Threads that compute parts of one operation side by side; each part is computed by one thread, whichever it is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

from plx_train.onednn.library import take_one_thread

Work = Callable[[], None]


class _Helper:
    """A thread that does one piece of work after the other."""

    def __init__(self) -> None:
        self._given: SimpleQueue[Work | None] = SimpleQueue()
        threading.Thread(target=self._work_on, name="plx-onednn", daemon=True).start()

    def begin(self, work: Work | None) -> None:
        """Has `work` done; None ends the thread."""
        self._given.put(work)

    def _work_on(self) -> None:
        take_one_thread()
        while (work := self._given.get()) is not None:
            work()


_helpers: list[_Helper] = []
_owner: list[int] = []
"""The thread that is helped: others, which compute samples side by side, have a core each already."""


def gather(threads: int) -> None:
    """Has `threads` compute what this thread asks for from now on, itself among them."""
    for helper in _helpers:
        helper.begin(None)
    _helpers[:] = [_Helper() for _ in range(threads - 1)]
    _owner[:] = [threading.get_ident()]


def side_by_side(work: Callable[[int], None], parts: int) -> None:
    """Calls `work` with 0 … `parts` - 1, each once; all is done, in whatever order, when this returns.

    Raises:
        Exception: the first that `work` raised; the thread that raised it leaves what remains to the others.
    """
    remaining = iter(range(parts))
    faults: SimpleQueue[BaseException | None] = SimpleQueue()
    lock = threading.Lock()
    begun: list[bool] = []
    ended: list[bool] = []

    def take() -> None:
        try:
            # An iterator over a range gives each number to one thread only.
            for number in remaining:
                work(number)
            faults.put(None)
        except BaseException as error:
            faults.put(error)

    def help_out() -> None:
        with lock:
            if ended:
                return
            begun.append(True)
        take()

    for helper in _helpers[: parts - 1] if _owner == [threading.get_ident()] else []:
        helper.begin(help_out)
    take()
    with lock:
        # Who has not begun by now, on cores that others have, finds nothing to do and is not waited for.
        ended.append(True)
    # Those at work are: what they write to goes with the caller.
    for fault in [faults.get() for _ in range(1 + len(begun))]:
        if fault is not None:
            raise fault


def _alone() -> None:
    _helpers.clear()


if hasattr(os, "register_at_fork"):
    # A process that was forked off has no thread but the one that forked.
    os.register_at_fork(after_in_child=_alone)
