"""Cells of a table as numbers, however many digits they have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

LARGEST_INTEGER = 2**1023


def as_numbers(cells: pandas.Series) -> pandas.Series:
    """The numbers in cells, missing where there is none; beyond what a float can be they are infinite."""
    import pandas

    try:
        return pandas.to_numeric(cells, errors="coerce")
    except OverflowError:  # pandas reads more digits into integers of Python
        return pandas.to_numeric(cells.map(_within_floats), errors="coerce")


def _within_floats(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return math.copysign(math.inf, 1 if value > 0 else -1)
    return value
