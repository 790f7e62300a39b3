"""Python's search for cycles of objects that nothing else holds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 100


@contextmanager
def seldom_searched() -> Iterator[None]:
    """Within the block cycles are looked for a hundred times less often.

    Where much is imported or read that stays, a tenth of the time goes into looking through all of it again and again.
    """
    first, *others = gc.get_threshold()
    gc.set_threshold(SELDOM * first, *others)
    try:
        yield
    finally:
        gc.set_threshold(first, *others)
