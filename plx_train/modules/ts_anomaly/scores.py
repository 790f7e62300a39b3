"""One anomaly score for every row of a series, from windows that were reconstructed and that overlap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plx_train.ground.errors import ConfigError, DataError

WINDOWS_AT_ONCE = 256
"""That go through the network together: what it holds for them does not grow with the series."""


def window_starts(num_rows: int, length: int, stride: int) -> np.ndarray:
    """First rows of windows that cover a whole series, int64 ascending; the last window ends with the series.

    Args:
        num_rows: of the series.
        length: of a window, in rows.
        stride: from window to window, 1 to `length` rows.

    Raises:
        DataError: The series is shorter than one window.
        ConfigError: The stride would leave rows out.
    """
    if num_rows < length:
        raise DataError(
            f"a series of {num_rows} rows cannot be scored by windows of {length}: "
            "give a longer one, or train with a shorter context"
        )
    if not 1 <= stride <= length:
        raise ConfigError(f"a stride of {stride} leaves rows without a score: take 1 to {length}, the window's length")
    last = num_rows - length
    starts = np.arange(0, last + 1, stride, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def root_scores(
    rows: np.ndarray, reconstruct: Callable[[np.ndarray], np.ndarray], length: int, stride: int
) -> np.ndarray:
    """Root of each row's score, float64 (T,): an error in units of the rows, so that it can be compared as outputs are.

    Args:
        rows: (T, C), scaled as the network sees them.
        reconstruct: gives windows (N, L, C) back.
        length: of a window, L.
        stride: from window to window.

    Raises:
        DataError: the series is shorter than one window.
    """
    starts = window_starts(len(rows), length, stride)
    windows = np.lib.stride_tricks.sliding_window_view(rows, length, axis=0).transpose(0, 2, 1)
    scores = SeriesScores(len(rows))
    for first in range(0, len(starts), WINDOWS_AT_ONCE):
        some = starts[first : first + WINDOWS_AT_ONCE]
        batch = np.ascontiguousarray(windows[some])
        scores.add(some, np.square(reconstruct(batch) - batch))
    return np.sqrt(scores.mean())


class SeriesScores:
    """Scores of a series, filled in window by window; memory for two numbers per row, whatever the overlap."""

    def __init__(self, num_rows: int) -> None:
        self._sums = np.zeros(num_rows)
        self._counts = np.zeros(num_rows, np.int64)

    def add(self, starts: np.ndarray, squared_errors: np.ndarray) -> None:
        """Adds windows, in any order and any number at a time.

        Args:
            starts: (N,) first rows of the windows.
            squared_errors: (N, L, C), squared difference of rows and reconstruction.

        Raises:
            ValueError: A window lies outside the series.
        """
        num, length = squared_errors.shape[:2]
        if num == 0:
            return
        first, end = int(np.min(starts)), int(np.max(starts)) + length
        if first < 0 or end > len(self._sums):
            raise ValueError(f"windows reach from row {first} to {end}, the series from 0 to {len(self._sums)}")
        # Counted within the span of these windows: the cost follows the batch, not the series.
        places = (np.asarray(starts, np.int64)[:, None] - first + np.arange(length)).ravel()
        scores = np.mean(squared_errors, axis=-1, dtype=np.float64).ravel()
        self._sums[first:end] += np.bincount(places, scores, end - first)
        self._counts[first:end] += np.bincount(places, minlength=end - first)

    def mean(self) -> np.ndarray:
        """Score of each row, float64 (T,): mean over channels and over all windows that hold the row.

        Raises:
            ValueError: A row lies in no window.
        """
        missed = np.flatnonzero(self._counts == 0)
        if len(missed):
            raise ValueError(f"{len(missed)} rows lie in no window, row {missed[0]} first")
        return self._sums / self._counts
