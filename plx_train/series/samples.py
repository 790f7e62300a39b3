"""Samples of series put together, and names of windows that are made when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plx_train.contract.sample import Batch, Sample
from plx_train.series.frame import Series, time_text
from plx_train.series.windows import WindowIndex


class WindowNames(Sequence[str]):
    """A name for each window, made when it is asked for: most batches never are.

    Args:
        word: what stands between the series and the time of the window's row `row`.
        numbers: of the windows, int (N,).
    """

    __slots__ = ("numbers", "row", "series", "windows", "word")

    def __init__(
        self, series: Sequence[Series], windows: WindowIndex, word: str, row: int, numbers: Sequence[int] | np.ndarray
    ) -> None:
        self.series, self.windows, self.word, self.row, self.numbers = series, windows, word, row, numbers

    def of(self, numbers: Sequence[int] | np.ndarray) -> WindowNames:
        """The names of other windows."""
        return WindowNames(self.series, self.windows, self.word, self.row, numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return self.of(self.numbers[place])
        window = self.windows[int(self.numbers[place])]
        series = self.series[window.series]
        return f"{series.name} {self.word} {time_text(series.times[window.start + self.row], series.is_datetime)}"


def stacked(samples: Sequence[Sample]) -> Batch:
    """A batch of samples of one shape: ``x``, an array or a tuple of them as the samples have, and ``names``."""
    inputs = [sample.x for sample in samples]
    is_tuple = isinstance(inputs[0], tuple)
    x = tuple(np.stack(parts) for parts in zip(*inputs, strict=True)) if is_tuple else np.stack(inputs)
    return {"x": x, "names": [sample.name for sample in samples]}
