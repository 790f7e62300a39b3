"""Series as samples, scaled once and filled up batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.sample import Batch
from plx_train.modules.ts_cls.processor import TsClsProcessor, filled
from plx_train.series.frame import Series


class TsClsDataset(Dataset):
    """Series of one split; picklable, and free of paddle.

    A sample is ``x`` (rows float32 (length, C), their mask (length,)), ``shape`` (rows left out), ``labels`` (number
    of the class), ``name``.

    Args:
        series: their columns are the processor's, no value missing, each of a class that it knows.
    """

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

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """The sample at `index`; nothing is drawn from `rng`."""
        features, mask = filled([self.rows[index]], self.processor.length)
        left_out = len(self.series[index]) - len(self.rows[index])
        label = int(self.labels[index])
        return {"x": (features[0], mask[0]), "shape": left_out, "labels": label, "name": self.names[index]}


def collate_eval(samples: Sequence[dict[str, Any]]) -> Batch:
    """A batch of series: ``x`` as in training, ``names``."""
    x = tuple(np.stack(parts) for parts in zip(*(sample["x"] for sample in samples), strict=True))
    return {"x": x, "names": [sample["name"] for sample in samples]}
