"""Checks a forecasting dataset: windows that do not fit, seasons that are not seen, validation that was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from plx_train.contract.check import Checked, Finding
from plx_train.modules.ts_forecast.processor import TsForecastProcessor
from plx_train.series.check import columns_differ, frequencies_differ, length_findings, report_of
from plx_train.series.frame import Series
from plx_train.series.frequency import infer_frequency
from plx_train.series.grid import future_times
from plx_train.series.leakage import leakage_findings
from plx_train.series.read.splits import ReadSplit, SeriesData
from plx_train.series.statistics import seasonal_period, series_statistics
from plx_train.series.windows import rows_of_windows


@dataclass(frozen=True)
class CheckedForecasts(Checked[Series]):
    """The report, and the series per split; `context` and `horizon` are those of the windows to come."""

    context: int
    horizon: int

    def first(self, samples: Sequence[Series], limit: int | None) -> list[Series]:
        """The rows of the first `limit` windows."""
        return list(samples) if limit is None else rows_of_windows(samples, self.context + self.horizon, limit)

    def hold_out(self, train: list[Series], share: float, seed: int) -> tuple[list[Series], list[Series]]:
        """Each series' beginning, and its last `share` with the context before: the future is never trained on."""
        if share <= 0:
            return train, []
        kept, held = [], []
        for series in train:
            cut = len(series.times) - round(share * len(series.times))
            fits = cut >= self.context + self.horizon and len(series.times) - cut >= self.horizon
            kept.append(series.rows(0, cut) if fits else series)
            if fits:
                held.append(series.rows(cut - self.context, len(series.times)))
        return kept, held


def check_forecasts(data: SeriesData, processor: TsForecastProcessor | None, size: tuple[int, int]) -> CheckedForecasts:
    """What is wrong or odd in a dataset for windows of `size`, rows of context and horizon."""
    context, horizon = size
    train, val = data.train.series, data.val.series
    findings = _length_findings(data.train, context, horizon) + _length_findings(data.val, 0, horizon)
    findings += _season_findings(data.train, context)
    if train and val:
        findings += leakage_findings(train, val, context)
        findings += columns_differ(data.val.file, val[0].columns, train[0].columns) or frequencies_differ(
            data.train, data.val
        )
    if train and processor is not None:
        whose = "those of the model"
        findings += columns_differ(data.train.file, train[0].columns, processor.columns, whose=whose)
    report = report_of(data, findings, series_statistics)
    return CheckedForecasts(report, train, [_with_context(series, train, context) for series in val], context, horizon)


def _length_findings(split: ReadSplit, context: int, horizon: int) -> list[Finding]:
    consequence = f"{context + horizon} rows and give no window"
    return length_findings(split.file, split.series, context, horizon, consequence)


def _season_findings(train: ReadSplit, context: int) -> list[Finding]:
    """A season that the network will never see a whole of."""
    longest = max(train.series, key=len, default=None)
    if longest is None:
        return []
    num_targets = len(train.roles.targets or ())
    period = seasonal_period(longest.values[:, :num_targets], train.frequency)
    if period is None or period <= context:
        return []
    reason = (
        f"the series repeats itself every {period} rows, more than module.context={context} shows: raise it if you can"
    )
    return [Finding(train.file, 0, "warning", "season-longer-than-context", reason)]


def _with_context(series: Series, train: Sequence[Series], context: int) -> Series:
    """`series` behind the end of the training series that it goes on from, so that its first rows are forecast too."""
    before = next((one for one in train if one.group == series.group and follows(one, series)), None)
    if before is None or len(before) == 0:
        return series
    tail = before.rows(max(len(before) - context, 0))
    return replace(
        series,
        times=np.concatenate([tail.times, series.times]),
        values=np.concatenate([tail.values, series.values]),
    )


def follows(before: Series, after: Series) -> bool:
    """Whether `after` begins with the row after the last one of `before`."""
    if not len(before) or not len(after) or before.is_datetime != after.is_datetime:
        return False
    frequency = infer_frequency(before.times, before.is_datetime)
    return frequency is not None and int(future_times(before.times, frequency, 1)[0]) == int(after.times[0])
