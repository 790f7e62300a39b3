"""Numbers that mark missing values: -999 among temperatures, netCDF's 9.96921e36; found, and taken out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

USUAL = np.asarray(
    [-99, -99.9, -99.99, -200, -777, -888, -999, -999.9, -999.99, -9999, -9999.9, -99999, -999999, -32768, -2147483648,
     999, 999.9, 9999, 99999, 999999, 9999999, 32767, 65535, 2147483647, 4294967295]
)  # fmt: skip
"""Numbers that writers of measurements take for it, besides those beyond `HUGE`."""
HUGE = 1e15
"""Larger than what is measured, so that one such value is told."""
FAR, FAR_IF_USUAL = 3.0, 0.5
"""Times the width of all others that a repeated number lies beyond the nearest of them."""
MIN_REPEATED = 2
MIN_KINDS = 8
"""Different other values that a column must have: among few, as in counts and levels, none is far."""
MAX_MARKS = 5
MAX_SAMPLE = 100_000
ROUNDED = 1e-6


def without_marks(values: np.ndarray, marks: Sequence[float]) -> np.ndarray:
    """Values (T, C) of which those that are marks became NaN; a copy where there are any."""
    is_mark = np.zeros(values.shape, bool)
    for mark in marks:
        # Writers round large marks: 9.96921e+36 is 9.969209968386869e+36.
        near = abs(mark) * ROUNDED if np.isfinite(mark) and abs(mark) > HUGE else 0.0
        low, high = mark - near, mark + near
        is_mark = np.logical_or(is_mark, (values >= low) & (values <= high))
    return np.where(is_mark, np.nan, values) if is_mark.any() else values


def find_marks(values: np.ndarray) -> list[tuple[float, int]]:
    """Numbers of a column (T,) that seem to mark missing values, and how many rows have each.

    That is one which repeats itself exactly, and lies far beyond all others; or one beyond all that is measured.
    """
    rest: np.ndarray = values[np.isfinite(values)]
    found: list[tuple[float, int]] = []
    while len(found) < MAX_MARKS and len(rest) > MIN_KINDS:
        ends = {float(rest.max()), float(rest.min())}
        mark = next((end for end in sorted(ends, key=abs, reverse=True) if _is_mark(rest, end)), None)
        if mark is None:
            break
        count = int((rest == mark).sum())
        found.append((mark, count))
        rest = rest[rest != mark]
    return found


def _is_mark(values: np.ndarray, end: float) -> bool:
    """Whether the largest or smallest of values (T,) is no measurement like the others."""
    others = values[values != end]
    # What stands still is 0.
    if end == 0 or len(others) <= MIN_KINDS:
        return False
    is_huge = abs(end) > HUGE
    is_usual = bool(np.any(end == USUAL))
    count = len(values) - len(others)
    if count < MIN_REPEATED and not is_huge and not is_usual:
        return False
    nearest = float(others.max() if end > others.max() else others.min())
    sample = others[:: max(len(others) // MAX_SAMPLE, 1)]
    low, middle, high = np.quantile(sample, (0.01, 0.5, 0.99)) / 8  # differences of the largest numbers are none
    end, nearest = end / 8, nearest / 8
    # On its own side the others reach to the nearest, which in long tails is far out.
    width = max(high - low, abs(nearest - middle))
    far = FAR if count < MIN_REPEATED or not is_usual else FAR_IF_USUAL
    return bool(abs(end - nearest) > far * width and len(np.unique(sample)) >= MIN_KINDS)
