"""Samples of anomaly detection: windows to train on, whole series to score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.sample import Batch, Sample
from plx_train.modules.ts_anomaly.labels import features_of, marks_of, normal_stretches
from plx_train.modules.ts_anomaly.processor import Scored, TsAnomalyProcessor
from plx_train.series.frame import Series
from plx_train.series.samples import WindowNames
from plx_train.series.windows import WindowBlock


class TrainWindows(Dataset):
    """Windows of normal rows by index; picklable, and free of paddle.

    `batch` gives ``x`` float32 (N, L, C), scaled, and ``names``; a sample is one window (L, C).

    Args:
        series: rows that are marked as anomalous, and windows with them, are left out.
        label: column of the marks.
        stride: rows between one window and the next.
    """

    makes_batches = True

    def __init__(
        self, series: Sequence[Series], processor: TsAnomalyProcessor, label: str | None, stride: int = 1
    ) -> None:
        stretches = [part for one in series for part in normal_stretches(one, label, processor.context)]
        self.series = [features_of(part, label) for part in stretches]
        scaled = [processor.scaled(one) for one in self.series] or [np.empty((0, len(processor.features)), np.float32)]
        self.windows = WindowBlock(scaled, processor.context, stride)
        self.names: WindowNames = WindowNames(self.series, self.windows.index, "from", 0, range(len(self.windows)))

    def __len__(self) -> int:
        return len(self.windows)

    def rows(self) -> list[np.ndarray]:
        """The scaled rows that windows are cut from, float32 (T, C) each; views."""
        return self.windows.parts

    def original(self, index: int) -> Series:
        """The rows of a window."""
        window = self.windows.index[index]
        return self.series[window.series].rows(window.start, window.start + self.windows.index.length)

    def batch(self, indices: np.ndarray) -> Batch:
        """The windows as one array, gathered in one go."""
        return {"x": self.windows(indices), "names": self.names.of(indices)}

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        """The window at `index`; nothing is drawn from `rng`."""
        return Sample(self.windows(np.asarray([index]))[0], None, None, self.names[index])


class WholeSeries(Dataset):
    """Series by index, each scored as a whole; picklable, and free of paddle.

    A sample's input is float32 (T, C), scaled, its context a `Scored`, its truth uint8 (T,) or None.

    Args:
        series: those that are shorter than the context are left out.
        label: column that marks anomalies.
    """

    def __init__(self, series: Sequence[Series], processor: TsAnomalyProcessor, label: str | None) -> None:
        usable = [one for one in series if len(one) >= processor.context]
        self.marks = [marks_of(one, label) for one in usable]
        self.series = [features_of(one, label) for one in usable]
        self.processor = processor
        self.names = [one.name for one in usable]

    def __len__(self) -> int:
        return len(self.series)

    def original(self, index: int) -> Series:
        """The series without its marks."""
        return self.series[index]

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        """The sample at `index`; nothing is drawn from `rng`."""
        series = self.series[index]
        rows = Scored(series.times, series.is_datetime)
        return Sample(self.processor.scaled(series), rows, self.marks[index], self.names[index])
