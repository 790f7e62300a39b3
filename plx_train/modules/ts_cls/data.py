"""Series as samples, scaled once and filled up batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.sample import Batch, Sample
from plx_train.modules.ts_cls.processor import TsClsProcessor, filled
from plx_train.series.frame import Series


class TsClsDataset(Dataset):
    """Series of one split; picklable, and free of paddle.

    A sample's input is rows float32 (length, C) and their mask (length,), its context the number of rows left out, its
    truth the number of the class.

    Args:
        series: their columns are the processor's, no value missing, each of a class that it knows.
    """

    makes_batches = True

    def __init__(self, series: Sequence[Series], processor: TsClsProcessor) -> None:
        self.series = list(series)
        self.processor = processor
        self.names = [f"{one.name} ({one.where})" for one in self.series]
        self.rows = [processor.scaled(one) for one in self.series]
        """Scaled, float32 (T, C) each."""
        number = {name: place for place, name in enumerate(processor.labels)}
        self.labels = np.asarray([number[one.label or ""] for one in self.series], np.int64)

    def __len__(self) -> int:
        return len(self.series)

    def original(self, index: int) -> Series:
        """The series as it is."""
        return self.series[index]

    def batch(self, indices: np.ndarray) -> Batch:
        """Series as arrays, filled up."""
        x = filled([self.rows[index] for index in indices], self.processor.length)
        return {"x": x, "target": self.labels[indices], "names": [self.names[index] for index in indices]}

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        """The sample at `index`; nothing is drawn from `rng`."""
        features, mask = filled([self.rows[index]], self.processor.length)
        left_out = len(self.series[index]) - len(self.rows[index])
        return Sample((features[0], mask[0]), left_out, int(self.labels[index]), self.names[index])
