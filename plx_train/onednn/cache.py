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


class PrimitiveCache(threading.local):
    """Makes what a shape needs where it is not there; `MOST_KEPT` at most are kept."""

    def __init__(self) -> None:
        self.state = ThreadState()
        self.kept: OrderedDict[Any, Any] = OrderedDict()

    def get(self, make: Callable[[ThreadState, Shape], Made], shape: Shape) -> Made:
        """What `make` gives for `shape`, now or earlier."""
        key = (make, shape)
        found = self.kept.get(key)
        if found is not None:
            self.kept.move_to_end(key)
            return found
        found = self.kept[key] = make(self.state, shape)
        if len(self.kept) > MOST_KEPT:
            self.kept.popitem(last=False)
        return found


CACHE = PrimitiveCache()
