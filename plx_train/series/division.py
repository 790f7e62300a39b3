"""Rows of series given to splits: by time, with rows left out between, or by whole series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEFT_OUT, TRAIN_PART, VAL_PART, TEST_PART = -1, 0, 1, 2
"""What a row is given to."""
MIN_TRAINED = 0.5
"""Share of a series' rows that stay for training, however few rows that leaves between the parts."""
MIN_BEFORE_EVENTS = 1 / 3
"""The same where a part reaches back to an anomaly: without one nothing can be judged."""


@dataclass(frozen=True)
class Cut:
    """How a series is cut by time.

    Attributes:
        val_share, test_share: of its rows.
        window: rows that every part must have.
        gap: rows between the parts that are asked for; None: a window's, fewer where training would keep too little.
    """

    val_share: float
    test_share: float
    window: int
    gap: int | None


def parts_by_time(rows: int, cut: Cut, marks: np.ndarray | None = None) -> np.ndarray | None:
    """What each row of a series is given to, int8 (rows,), the latest to the test; None where it is too short.

    Args:
        marks: above 0 where a row is anomalous, (rows,): a part that is judged holds such rows where it can.
    """
    asked = {TEST_PART: cut.test_share, VAL_PART: cut.val_share}
    sizes = {part: max(round(share * rows), cut.window) for part, share in asked.items() if share > 0}
    least = max(int(MIN_TRAINED * rows), cut.window)
    spare = rows - sum(sizes.values()) - least
    gap = cut.gap if cut.gap is not None else min(cut.window, max(spare // len(sizes), 0))
    parts, stop = np.zeros(rows, np.int8), rows
    for part, size in sizes.items():
        before = (
            max(int(MIN_BEFORE_EVENTS * rows), cut.window) + gap + (sizes[VAL_PART] + gap if part == TEST_PART else 0)
        )
        start = stop - size
        if start - gap < cut.window:
            return None
        if marks is not None:
            start = _reaching_back(marks[:stop], start, before)
        parts[start:stop] = part
        parts[start - gap : start] = LEFT_OUT
        stop = start - gap
    return parts


def _reaching_back(marks: np.ndarray, start: int, earliest: int) -> int:
    """The first row of a part that reaches to the end of `marks`: it cuts no event in two, and holds one if it can."""
    is_marked = np.concatenate([[False], marks > 0])
    firsts = np.flatnonzero(is_marked[1:] & ~is_marked[:-1])
    before = firsts[firsts < start]
    if not len(before) or (is_marked[start + 1 :].any() and not is_marked[start : start + 2].all()):
        return start
    return int(before[-1]) if before[-1] >= earliest else start


def parts_in_words(counts: Sequence[int], noun: str, left_out: int = 0) -> str:
    """How many rows, or series, each split has, as people read it.

    Args:
        counts: of training, validation and test, the last of which may lack.
    """
    words = [f"{counts[TRAIN_PART]:,} {noun} for training", f"{counts[VAL_PART]:,} for validation"]
    words += [f"{count:,} for the test" for count in counts[TEST_PART:] if count]
    words += [f"{left_out:,} left out between"] if left_out else []
    return ", ".join(words)
