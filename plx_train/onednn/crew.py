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
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        threading.Thread(target=self._work_on, name="plx-onednn", daemon=True).start()

    def begin(self, work: Work | None) -> None:
        """Has `work` done; None ends the thread."""
        self._given.put(work)

    def fault(self) -> BaseException | None:
        """What was raised by the work that was begun, once it is done."""
        return self._done.get()

    def _work_on(self) -> None:
        take_one_thread()
        while (work := self._given.get()) is not None:
            fault = None
            try:
                work()
            except BaseException as error:
                fault = error
            self._done.put(fault)


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
        Exception: the first that `work` raised; the other parts are done nevertheless, or raised too.
    """
    remaining = iter(range(parts))

    def take() -> None:
        # An iterator over a range gives each number to one thread only.
        for number in remaining:
            work(number)

    helpers = _helpers[: parts - 1] if _owner == [threading.get_ident()] else []
    for helper in helpers:
        helper.begin(take)
    fault: BaseException | None = None
    try:
        take()
    except BaseException as error:
        fault = error
    # All are waited for: what they write to goes with the caller.
    faults = [fault, *[helper.fault() for helper in helpers]]
    for found in faults:
        if found is not None:
            raise found


def _alone() -> None:
    _helpers.clear()


if hasattr(os, "register_at_fork"):
    # A process that was forked off has no thread but the one that forked.
    os.register_at_fork(after_in_child=_alone)
