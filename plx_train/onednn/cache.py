"""What was made for a shape is kept, as much as is bounded, for each thread its own."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from plx_train.onednn.primitive import ThreadState

MOST_KEPT = 512
"""Shapes kept by each thread; those not used for longest leave first."""
Made = TypeVar("Made")
Shape = Any
"""Anything hashable."""


class Kept:
    """What one thread computes with.

    Attributes:
        helpers: the same for the others of its team, by their number; see `crew`.
    """

    def __init__(self) -> None:
        self.state = ThreadState()
        self.made: OrderedDict[Any, Any] = OrderedDict()
        self.helpers: dict[int, Kept] = {}

    def get(self, make: Callable[[ThreadState, Shape], Made], shape: Shape) -> Made:
        """What `make` gives for `shape`, now or earlier."""
        key = (make, shape, self.state.threads)
        found = self.made.get(key)
        if found is not None:
            self.made.move_to_end(key)
            return found
        found = self.made[key] = make(self.state, shape)
        if len(self.made) > MOST_KEPT:
            self.made.popitem(last=False)
        return found


class PrimitiveCache(threading.local):
    """Makes what a shape needs where it is not there; `MOST_KEPT` at most are kept."""

    def __init__(self) -> None:
        self._own: Kept | None = None

    @property
    def is_used(self) -> bool:
        """Whether this thread made anything yet."""
        return self._own is not None

    @property
    def own(self) -> Kept:
        """This thread's."""
        if self._own is None:
            self._own = Kept()
        return self._own

    @own.setter
    def own(self, kept: Kept) -> None:
        self._own = kept

    def get(self, make: Callable[[ThreadState, Shape], Made], shape: Shape) -> Made:
        """What `make` gives for `shape`, now or earlier."""
        return self.own.get(make, shape)


CACHE = PrimitiveCache()
