"""Marks of missing values: cells such as NA; numbers such as -999 or netCDF's 9.96921e36, found and taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.series.frequency import ROWS_AT_ONCE

MISSING = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "None", "none", "<NA>"]
"""Cells that say that there is no value."""
USUAL = {
    -99, -99.9, -99.99, -200, -777, -888, -999, -999.9, -999.99, -9999, -9999.9, -99999, -999999, -32768, -2147483648,
    999, 999.9, 9999, 99999, 999999, 9999999, 32767, 65535, 2147483647, 4294967295,
}  # fmt: skip
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
    is_mark: np.ndarray = np.zeros(values.shape, bool)
    for mark in marks:
        # Writers round large marks: 9.96921e+36 is 9.969209968386869e+36.
        near = abs(mark) * ROUNDED if np.isfinite(mark) and abs(mark) > HUGE else 0.0
        low, high = mark - near, mark + near
        is_mark |= np.asarray((values >= low) & (values <= high))
    return np.where(is_mark, np.nan, values) if is_mark.any() else values


@dataclass(frozen=True)
class _End:
    """The largest or smallest number of a column.

    Attributes:
        count: rows that have it.
        nearest: the number next to it.
        num_others: rows with other numbers.
    """

    value: float
    count: int
    nearest: float
    num_others: int


def find_marks(values: np.ndarray) -> list[tuple[float, int]]:
    """Numbers of a column (T,) that seem to mark missing values, and how many rows have each.

    That is one which repeats itself exactly, and lies far beyond all others; or one beyond all that is measured.
    """
    found: list[tuple[float, int]] = []
    sample = values[:: max(len(values) // MAX_SAMPLE, 1)]
    while len(found) < MAX_MARKS:
        known = [mark for mark, _ in found]
        others = sample[np.isfinite(sample) & ~np.isin(sample, known)]
        mark = next((end for end in _ends(values, known) if _is_mark(end, others[others != end.value])), None)
        if mark is None:
            break
        found.append((mark.value, mark.count))
    return found


def _ends(values: np.ndarray, known: Sequence[float]) -> list[_End]:
    """The largest and the smallest number that is no mark yet, the one farther from 0 first."""
    low, high = np.inf, -np.inf
    for part in _parts(values, known):
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    ends = []
    for end in sorted({low, high} if low < high else (), key=abs, reverse=True):
        count = num_others = 0
        nearest = -np.inf if end == high else np.inf
        for part in _parts(values, known):
            rest = part[part != end]
            count, num_others = count + len(part) - len(rest), num_others + len(rest)
            if len(rest):
                nearest = max(nearest, float(rest.max())) if end == high else min(nearest, float(rest.min()))
        ends.append(_End(end, count, nearest, num_others))
    return ends


def _parts(values: np.ndarray, known: Sequence[float]) -> Iterator[np.ndarray]:
    """Finite numbers that are no marks, piece by piece: a column can be most of the memory that there is."""
    for start in range(0, len(values), ROWS_AT_ONCE):
        part = values[start : start + ROWS_AT_ONCE]
        part = part[np.isfinite(part) & ~np.isin(part, known)] if len(known) else part[np.isfinite(part)]
        if len(part):
            yield part


def _is_mark(end: _End, sample: np.ndarray) -> bool:
    """Whether an end is no measurement like the others, of which `sample` (N,) are some."""
    # What stands still is 0.
    if end.value == 0 or end.num_others <= MIN_KINDS or len(sample) <= MIN_KINDS:
        return False
    is_usual = end.value in USUAL
    if end.count < MIN_REPEATED and abs(end.value) <= HUGE and not is_usual:
        return False
    low, middle, high = np.quantile(sample, (0.01, 0.5, 0.99)) / 8  # differences of the largest numbers are none
    value, nearest = end.value / 8, end.nearest / 8
    # On its own side the others reach to the nearest, which in long tails is far out.
    width = max(high - low, abs(nearest - middle))
    far = FAR if end.count < MIN_REPEATED or not is_usual else FAR_IF_USUAL
    return bool(abs(value - nearest) > far * width and len(np.unique(sample)) >= MIN_KINDS)
