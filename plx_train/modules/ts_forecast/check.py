"""Checks a forecasting dataset, and finds in its training series what a run needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plx_train.contract.check import Checked, CheckReport, Finding
from plx_train.ground.errors import ConfigError
from plx_train.modules.ts_forecast.config import FittedOptions
from plx_train.modules.ts_forecast.metric import seasonal_scale
from plx_train.modules.ts_forecast.processor import TsForecastProcessor, from_inference
from plx_train.nn.series.sizes import check_takes_covariates
from plx_train.series.frame import Series
from plx_train.series.grid import future_times
from plx_train.series.leakage import leakage_findings
from plx_train.series.plot import draw_series, shown_times
from plx_train.series.scale import Scaler
from plx_train.series.splits import ReadSplit, fingerprint_of, read_split, roles_of
from plx_train.series.statistics import seasonal_period, series_statistics, strongest_periods
from plx_train.series.trained import trained_processor
from plx_train.series.windows import too_short_text
from plx_train.vision.image import write_image

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.ts_forecast.config import TsForecastConfig

NUM_PERIODS = 3
NUM_PICTURES = 6


@dataclass(frozen=True)
class CheckedSeries(Checked):
    """The report, and the series per split; `context` and `horizon` are those of the windows to come."""

    context: int
    horizon: int

    def first(self, samples: Sequence[Series], limit: int | None) -> list[Series]:
        """The rows of the first `limit` windows."""
        if limit is None:
            return list(samples)
        kept = []
        for series in samples:
            windows = max(min(len(series.times) - self.context - self.horizon + 1, limit), 0)
            limit -= windows
            if windows:
                kept.append(series.rows(0, windows + self.context + self.horizon - 1))
        return kept

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


def resolve(
    dataset: DatasetOptions, module: TsForecastConfig, weights: str | None, is_trained: bool
) -> TsForecastConfig:
    """The module's options with what its training series say, or, of a finished model, what they said.

    Raises:
        UserError: an option does not fit, or there are no series to look at.
    """
    _check_options(module)
    # PaddleX knows no fusions; to it the graph of one is as good as any.
    module = replace(module, model_name=module.model_name or (module.models or [module.network])[0])
    if is_trained and weights is not None:
        return _as_trained(module, trained_processor(Path(weights), TsForecastProcessor, from_inference))
    roles = roles_of(dataset)
    found = read_split(dataset, dataset.train, roles)
    usable = [series for series in found.series if len(series) > 1]
    if not usable:
        # What is wrong is told by the check, which reads the file again.
        return module
    return replace(module, fitted=_fit(usable, found, module, dataset))


def _check_options(module: TsForecastConfig) -> None:
    levels = module.quantiles
    if levels != sorted(set(levels)):
        raise ConfigError(f"module.quantiles must rise, as in [0.1,0.5,0.9], not {levels}")
    if module.period is not None and module.period > module.context:
        raise ConfigError(f"module.period must be 1 to module.context={module.context}, not {module.period}")


def _fit(usable: list[Series], found: ReadSplit, module: TsForecastConfig, dataset: DatasetOptions) -> FittedOptions:
    roles, frequency = found.roles, found.frequency
    if module.calendar or roles.past or roles.future or roles.static:
        check_takes_covariates(module.models or [module.network])
    if module.calendar and not usable[0].is_datetime:
        raise ConfigError(
            f"module.calendar needs dates, but {roles.time or 'the table'} only counts rows: leave it out"
        )
    num_targets = len(roles.targets or ())
    # Rows held out of training count as training's: figures on the scaled axis are the same whatever is held out.
    scaler = Scaler.fit([series.values for series in usable])
    static = np.asarray([[value for _, value in series.static] for series in usable]).reshape(len(usable), -1)
    static_scaler = Scaler.fit([static]) if static.size else Scaler((), ())
    targets = Scaler(scaler.mean[:num_targets], scaler.std[:num_targets])
    longest = max(usable, key=len)
    scaled = targets.transform(longest.values[:, :num_targets])
    period = module.period or seasonal_period(scaled, frequency, module.context) or 1
    return FittedOptions(
        targets=list(roles.targets or ()),
        past_covariates=list(roles.past),
        future_covariates=list(roles.future),
        static_covariates=list(roles.static),
        time=roles.time,
        group=roles.group,
        frequency=str(frequency.text) if frequency else "1",
        period=period,
        periods=strongest_periods(scaled, module.context + module.horizon, NUM_PERIODS),
        seasonal_errors=_seasonal_errors([targets.transform(one.values[:, :num_targets]) for one in usable], period),
        mean=[*scaler.mean, *static_scaler.mean],
        std=[*scaler.std, *static_scaler.std],
    )


def _seasonal_errors(scaled: list[np.ndarray], period: int) -> list[float]:
    long = [values for values in scaled if len(values) > period]
    if not long:
        return [0.0] * scaled[0].shape[1]
    weights = [len(values) - period for values in long]
    errors = np.average([seasonal_scale(values, period) for values in long], axis=0, weights=weights)
    return [float(error) for error in errors]


def _as_trained(module: TsForecastConfig, processor: TsForecastProcessor) -> TsForecastConfig:
    fitted = replace(
        module.fitted,
        targets=list(processor.targets),
        past_covariates=list(processor.past_covariates),
        future_covariates=list(processor.future_covariates),
        static_covariates=list(processor.static_covariates),
        time=processor.time,
        group=processor.group,
        frequency=processor.frequency,
        mean=list(processor.mean),
        std=list(processor.std),
        period=processor.period,
        periods=list(processor.periods),
        seasonal_errors=list(processor.seasonal_errors),
    )
    return replace(
        module,
        context=processor.context,
        horizon=processor.horizon,
        calendar=processor.calendar,
        quantiles=list(processor.quantiles),
        fitted=fitted,
    )


def check(dataset: DatasetOptions, module: TsForecastConfig) -> CheckedSeries:
    """Reads and checks the dataset; findings are in the report, nothing is raised for them."""
    root, roles = Path(dataset.root).expanduser(), roles_of(dataset)
    splits = {name: read_split(dataset, getattr(dataset, name), roles) for name in ("train", "val")}
    findings = [finding for split in splits.values() for finding in split.findings]
    usable = {name: split.series for name, split in splits.items()}
    findings += _length_findings(splits, module) + _season_findings(splits["train"], module.context)
    if all(usable.values()):
        findings += leakage_findings(usable["train"], usable["val"], module.context)
        findings += _other_columns(splits, dataset)
    val = [_with_context(series, usable["train"], module.context) for series in usable["val"]]
    report = CheckReport(
        str(root),
        tuple(findings),
        {name: series_statistics(split.series) for name, split in splits.items()},
        fingerprint_of(root, [dataset.train, dataset.val]),
    )
    return CheckedSeries(report, usable["train"], val, module.context, module.horizon)


def _length_findings(splits: dict[str, ReadSplit], module: TsForecastConfig) -> list[Finding]:
    findings = []
    for name, split in splits.items():
        needed = module.horizon + (module.context if name == "train" else 0)
        lengths = [len(series) for series in split.series]
        if lengths and max(lengths) < needed:
            context = module.context if name == "train" else 0
            reason = too_short_text([series.name for series in split.series], lengths, context, module.horizon)
            findings.append(Finding(split.file, 0, "error", "too-short", reason))
        elif lengths and min(lengths) < needed:
            short = sum(length < needed for length in lengths)
            reason = f"{short} of {len(lengths)} series are shorter than {needed} rows and give no window"
            findings.append(Finding(split.file, 0, "warning", "series-too-short", reason))
    return findings


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


def _other_columns(splits: dict[str, ReadSplit], dataset: DatasetOptions) -> list[Finding]:
    """What can't be told from one file alone: the other has other columns, or another frequency."""
    train, val = splits["train"], splits["val"]
    if train.series[0].columns != val.series[0].columns:
        reason = f"its columns are {', '.join(val.series[0].columns)}, not {', '.join(train.series[0].columns)}"
        return [Finding(dataset.val, 1, "error", "other-columns", reason)]
    if train.frequency and val.frequency and train.frequency.text != val.frequency.text:
        reason = f"its rows are {val.frequency.text} apart, those of {dataset.train} {train.frequency.text}"
        return [Finding(dataset.val, 0, "error", "other-frequency", reason)]
    return []


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
    from plx_train.series.frequency import infer_frequency

    if not len(before) or not len(after) or before.is_datetime != after.is_datetime:
        return False
    frequency = infer_frequency(before.times, before.is_datetime)
    return frequency is not None and int(future_times(before.times, frequency, 1)[0]) == int(after.times[0])


def draw_samples(series: Sequence[Series], folder: Path) -> list[Path]:
    """Pictures of the first series, written into `folder`."""
    paths = []
    for place, one in enumerate(series[:NUM_PICTURES]):
        paths.append(folder / f"series_{place}.png")
        write_image(paths[-1], draw_series(one.values, one.name, one.columns, shown_times(one.times, one.is_datetime)))
    return paths
