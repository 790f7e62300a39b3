"""Windows of series by number: found without a list of them, cut as views, batched by one copy."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.series.frame import Series


@dataclass(frozen=True)
class Window:
    """A window: number of the series, and the row at which it begins."""

    series: int
    start: int


class WindowIndex:
    """Numbers the windows of many series, one series after another.

    Args:
        lengths: rows of each series; those too short have no window.
        length: rows of a window.
        stride: rows from one window's start to the next.
    """

    def __init__(self, lengths: Sequence[int], length: int, stride: int = 1) -> None:
        if length < 1 or stride < 1:
            raise ValueError(f"windows of {length} rows every {stride} rows: both are at least 1")
        self.lengths, self.length, self.stride = np.asarray(lengths, np.int64), length, stride
        counts = np.maximum((self.lengths - length) // stride + 1, 0)
        self._ends = np.cumsum(counts)
        self._firsts = self._ends - counts

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, number: int) -> Window:
        if not -len(self) <= number < len(self):
            raise IndexError(f"window {number} of {len(self)}")
        series, starts = self.lookup(np.asarray([number % len(self)]))
        return Window(int(series[0]), int(starts[0]))

    def lookup(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Series and first row, int64 (B,) each, of windows by number, int (B,), 0 to below the length."""
        series = np.searchsorted(self._ends, numbers, side="right")
        return series, (numbers - self._firsts[series]) * self.stride


class WindowBlock:
    """Windows of series as arrays: `block(numbers)` copies a batch of them at once.

    Args:
        arrays: (T, C) each, of one type. One C-contiguous array is used as it is; several are joined, once, and
            `parts` are views of what they were joined to, so that the originals need not be kept.
        length: rows of a window.
        stride: rows from one window's start to the next.
    """

    def __init__(self, arrays: Sequence[np.ndarray], length: int, stride: int = 1) -> None:
        self.index = WindowIndex([len(array) for array in arrays], length, stride)
        self.values = np.ascontiguousarray(arrays[0] if len(arrays) == 1 else np.concatenate(arrays))
        offsets = np.concatenate([[0], np.cumsum(self.index.lengths)])
        self.parts = [self.values[low:high] for low, high in itertools.pairwise(offsets)]
        self._offsets = offsets[:-1]
        channels = self.values.shape[1]
        # Flat, a window is one stretch of memory; as rows and channels numpy would copy number by number.
        flat = self.values.reshape(-1)
        width = length * channels
        whole = len(flat) >= width > 0
        self._stretches = np.lib.stride_tricks.sliding_window_view(flat, width)[::channels] if whole else None

    def __len__(self) -> int:
        return len(self.index)

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """The windows (B, L, C) of these numbers, int (B,); a copy, C-contiguous.

        Raises:
            IndexError: there is no such window.
        """
        numbers = np.asarray(numbers, np.int64)
        shape = (len(numbers), self.index.length, self.values.shape[1])
        if len(numbers) == 0 or self._stretches is None:
            return np.zeros(shape, self.values.dtype) if len(numbers) == 0 else self._refuse(numbers)
        # Without their sign negative numbers are the largest of all.
        if numbers.view(np.uint64).max() >= len(self):
            self._refuse(numbers)
        if len(self.parts) == 1:
            return self._stretches[numbers * self.index.stride].reshape(shape)
        series, starts = self.index.lookup(numbers)
        return self._stretches[self._offsets[series] + starts].reshape(shape)

    def _refuse(self, numbers: np.ndarray) -> np.ndarray:
        raise IndexError(f"windows {numbers.min()} to {numbers.max()} of {len(self)}")


def rows_of_windows(samples: Sequence[Series], length: int, limit: int) -> list[Series]:
    """The rows of the first `limit` windows of `length` rows, series by series."""
    kept = []
    for series in samples:
        windows = max(min(len(series) - length + 1, limit), 0)
        limit -= windows
        if windows:
            kept.append(series.rows(0, windows + length - 1))
    return kept


def too_short_text(names: Sequence[str], lengths: Sequence[int], context: int, horizon: int = 0) -> str:
    """The sentence for series of which none is as long as a window of context and horizon rows."""
    if len(lengths) == 0:
        return "there is no series to cut windows from"
    longest = int(np.argmax(lengths))
    used = [(name, rows) for name, rows in (("module.context", context), ("module.horizon", horizon)) if rows]
    summed = " + ".join(f"{name}={rows}" for name, rows in used)
    fits = lengths[longest] - horizon
    remedy = f"lower module.context to {fits} at most" if context and fits > 0 else f"lower {used[-1][0]}"
    of_all = f", the longest of {len(lengths)} series" if len(lengths) > 1 else ""
    return (
        f"{names[longest]} has {lengths[longest]} rows{of_all}, a window needs {context + horizon} ({summed}): {remedy}"
    )
