"""What labelled series say: their classes, their length, and how they are scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plx_train.modules.ts_cls.classes import class_names
from plx_train.modules.ts_cls.config import TsClsConfig
from plx_train.modules.ts_cls.processor import TsClsProcessor, filled
from plx_train.modules.ts_cls.standardisation import Scaling, find_scaling
from plx_train.series.frame import Series
from plx_train.series.read.splits import SeriesData
from plx_train.series.scale import Scaler

NUM_PERIODS = 3
MAX_SERIES = 500
"""Number of series in which periods are looked for, spread evenly."""


@dataclass(frozen=True)
class LabelledData(SeriesData):
    """The labelled series of both files, and the options that say how they come to a network."""

    options: TsClsConfig

    @property
    def length(self) -> int:
        """Rows that every series is filled up to, or cut to."""
        return self.options.length or max(len(one) for one in (*self.train.series, *self.val.series))

    @cached_property
    def scaling(self) -> Scaling:
        """How the training series come to a network; ROCKET's trial, which may take a while, is made once."""
        return find_scaling(self.train.series, self.options, self.length)


def fit_facts(data: LabelledData) -> TsClsProcessor | None:
    """The processor that options and series give; None where there is no training series."""
    train, roles = data.train.series, data.train.roles
    if not train:
        return None
    length, scaling = data.length, data.scaling
    return TsClsProcessor(
        length=length,
        columns=train[0].columns,
        labels=tuple(class_names(train)),
        median_rows=min(int(np.median([len(one) for one in train])), length),
        is_standardised=scaling.is_standardised,
        mean=scaling.scaler.mean,
        std=scaling.scaler.std,
        frequency=data.train.frequency_text,
        time=roles.time,
        missing=data.train.missing,
        time_format=data.train.time_format,
        group=roles.group,
        periods=_periods(scaling.apply(train, length), length),
    )


def _periods(rows: Sequence[np.ndarray], length: int) -> tuple[int, ...]:
    """Rows of the frequencies with the largest amplitudes in the series, strongest first."""
    features, _ = filled(list(rows[:: max(len(rows) // MAX_SERIES, 1)]), length)
    amplitudes = np.abs(np.fft.rfft(features, axis=1)).mean(axis=(0, 2))[1 : length // 2 + 1]
    frequencies = np.argsort(-amplitudes, kind="stable") + 1
    return tuple(dict.fromkeys(length // int(frequency) for frequency in frequencies))[:NUM_PERIODS]


def difference_std(train: Sequence[Series], processor: TsClsProcessor) -> list[float]:
    """Deviation of the channels' differences from row to row as a network sees them, 1 where nothing changes."""
    rows = Scaling(processor.scaler, processor.is_standardised).apply(train, processor.length)
    changes = [np.diff(each, axis=0) for each in rows if len(each) > 1]
    return list(Scaler.fit(changes).std) if changes else [1.0] * len(processor.columns)
