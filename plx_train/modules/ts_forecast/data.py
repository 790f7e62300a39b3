"""Samples of forecasting: windows of series, cut out of one scaled array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.sample import Batch, Sample
from plx_train.modules.ts_forecast.prediction import Cutoff
from plx_train.modules.ts_forecast.processor import TsForecastProcessor
from plx_train.series.calendar import calendar_features
from plx_train.series.frame import Series
from plx_train.series.samples import WindowNames
from plx_train.series.windows import WindowBlock


class TsForecastDataset(Dataset):
    """Windows of context and horizon by index; picklable, and free of paddle.

    `batch` gives ``x`` (the graph's inputs, in alphabetical order of their names), ``target`` float32 (N, H, C) on the
    scaled axis, ``names``. A sample's context is a `Cutoff`, its truth float32 (H, C) on the scaled axis.

    Args:
        series: their columns are the processor's, no value missing.
        stride: rows between one window and the next.
    """

    makes_batches = True

    def __init__(self, series: Sequence[Series], processor: TsForecastProcessor, stride: int = 1) -> None:
        self.series = list(series)
        self.processor = processor
        length = processor.context + processor.horizon
        self.windows = WindowBlock(
            [channels_of(one, processor) for one in self.series] or _no_rows(processor), length, stride
        )
        self.static = np.asarray([statics_of(one, processor) for one in self.series], np.float32)
        last_seen, windows = processor.context - 1, self.windows.index
        self.names: WindowNames = WindowNames(self.series, windows, "after", last_seen, range(len(windows)))
        self._inputs, self._target = _cuts(processor)

    def __len__(self) -> int:
        return len(self.windows)

    def targets(self) -> list[np.ndarray]:
        """Each series' targets on the scaled axis, float32 (T, C); views."""
        return [part[:, self._target[1]] for part in self.windows.parts]

    def original(self, index: int) -> Series:
        """The rows of a window's context; with covariates known ahead those of its horizon, too."""
        window = self.windows.index[index]
        ahead = self.processor.horizon if self.processor.future_covariates else 0
        return self.series[window.series].rows(window.start, window.start + self.processor.context + ahead)

    def batch(self, indices: np.ndarray) -> Batch:
        """The windows as arrays, gathered in one go."""
        rows = self.windows(indices)
        x = tuple([rows[:, place, channels] for place, channels in self._inputs])
        if self.processor.static_covariates:
            x += (self.static[self.windows.index.lookup(indices)[0]],)
        place, channels = self._target
        return {"x": x, "target": rows[:, place, channels], "names": self.names.of(indices)}

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        """The sample at `index`; nothing is drawn from `rng`."""
        window, context = self.windows.index[index], self.processor.context
        series = self.series[window.series]
        rows = self.windows.parts[window.series][window.start : window.start + self.windows.index.length]
        x = tuple(rows[cut] for cut in self._inputs)
        if self.processor.static_covariates:
            x += (self.static[window.series],)
        cutoff = Cutoff(int(series.times[window.start + context - 1]), series.is_datetime)
        return Sample(x, cutoff, rows[self._target], self.names[index])


Cut = tuple[slice, slice]
"""Rows and channels of a window."""


def _cuts(processor: TsForecastProcessor) -> tuple[list[Cut], Cut]:
    """The graph's inputs out of a window (L + H, channels), static ones apart, and what is to be forecast."""
    context, num_future, num_past = processor.context, processor.num_future, len(processor.past_covariates)
    targets = slice(num_future + num_past, None)
    inputs = [(slice(None), slice(num_future))] if num_future else []
    if num_past:
        inputs.append((slice(context), slice(num_future, num_future + num_past)))
    return [*inputs, (slice(context), targets)], (slice(context, None), targets)


def channels_of(series: Series, processor: TsForecastProcessor) -> np.ndarray:
    """What the network sees of `series`, float32 (T, channels): known ahead (calendar first), past, scaled targets."""
    num_targets, num_past = len(processor.targets), len(processor.past_covariates)
    found = np.empty((len(series), processor.num_future + num_past + num_targets), np.float32)
    if processor.calendar:
        calendar = calendar_features(series.times, series.is_datetime)
        found[:, : calendar.shape[1]] = calendar
    values = series.values
    num_given = len(processor.future_covariates)
    found[:, processor.num_future - num_given : processor.num_future] = values[:, num_targets + num_past :]
    found[:, processor.num_future : processor.num_future + num_past] = values[:, num_targets : num_targets + num_past]
    scaler = processor.scaler
    for column in range(num_targets):
        scaled = (values[:, column] - scaler.mean[column]) / scaler.std[column]
        found[:, processor.num_future + num_past + column] = scaled
    return found


def statics_of(series: Series, processor: TsForecastProcessor) -> list[float]:
    """The static covariates of `series`, in the processor's order."""
    known = dict(series.static)
    return [known[name] for name in processor.static_covariates]


def _no_rows(processor: TsForecastProcessor) -> list[np.ndarray]:
    channels = processor.num_future + len(processor.past_covariates) + len(processor.targets)
    return [np.empty((0, channels), np.float32)]
