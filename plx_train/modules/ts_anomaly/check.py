"""Checks a dataset of anomaly detection, and finds in its series what a run needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plx_train.contract.check import Checked, CheckReport, Finding
from plx_train.ground.errors import ConfigError
from plx_train.modules.ts_anomaly.config import SCORES_PER_CONTEXT, FittedOptions
from plx_train.modules.ts_anomaly.labels import features_of, has_both_kinds, marks_of, normal_stretches, read_marked
from plx_train.modules.ts_anomaly.processor import TsAnomalyProcessor, from_inference
from plx_train.modules.ts_anomaly.threshold import MIN_EXCESSES
from plx_train.series.frame import Series
from plx_train.series.leakage import leakage_findings
from plx_train.series.plot import draw_series, shown_times
from plx_train.series.scale import Scaler
from plx_train.series.splits import ReadSplit, fingerprint_of
from plx_train.series.statistics import series_statistics, strongest_periods
from plx_train.series.trained import trained_processor
from plx_train.series.windows import too_short_text
from plx_train.vision.image import write_image

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.ts_anomaly.config import TsAnomalyConfig

NUM_PERIODS = 3
NUM_PICTURES = 6
MANY = 0.3
"""Share of anomalous rows from which on one may ask what is normal."""


@dataclass(frozen=True)
class CheckedMarks(Checked):
    """The report, and the series per split with their marks; `module` is the module's options."""

    module: TsAnomalyConfig

    def first(self, samples: Sequence[Series], limit: int | None) -> list[Series]:
        """The rows of the first `limit` windows; of validation all rows, as anomalies may be anywhere in it."""
        if limit is None or samples is self.val:
            return list(samples)
        kept = []
        for series in samples:
            windows = max(min(len(series) - self.module.context + 1, limit), 0)
            limit -= windows
            if windows:
                kept.append(series.rows(0, windows + self.module.context - 1))
        return kept

    def hold_out(self, train: list[Series], share: float, seed: int) -> tuple[list[Series], list[Series]]:
        """Each series' beginning to train on, and its last `share` to choose the threshold on.

        Where too little could be held out it is chosen on what was trained on, and by the rule best_f1, where no
        anomaly is held out, on validation.
        """
        kept, held = tails(train, share, self.module.context)
        label = self.module.fitted.label
        if self.module.threshold == "best_f1":
            return (kept, held) if has_both_kinds(held, label) else (train, self.val)
        return (kept, held) if _num_normal(held, label) >= rows_needed(self.module) else (train, train)


def tails(train: Sequence[Series], share: float, context: int) -> tuple[list[Series], list[Series]]:
    """Beginnings and ends of series; a series that is too short for a window in both stays whole."""
    kept, held = [], []
    for series in train:
        cut = len(series) - max(round(share * len(series)), context)
        splits = share > 0 and cut >= context
        kept.append(series.rows(0, cut) if splits else series)
        held += [series.rows(cut)] if splits else []
    return kept, held


def rows_needed(module: TsAnomalyConfig) -> int:
    """Normal rows from which the threshold can be taken."""
    if module.threshold == "pot":
        return int(np.ceil((MIN_EXCESSES + 1) / (1 - module.level)))
    return int(np.ceil(100 / (100 - module.percent)))


def _num_normal(samples: Sequence[Series], label: str | None) -> int:
    return sum(len(part) for one in samples for part in normal_stretches(one, label))


def resolve(dataset: DatasetOptions, module: TsAnomalyConfig, weights: str | None, is_trained: bool) -> TsAnomalyConfig:
    """The module's options with what its series say, or, of a finished model, what they said.

    Raises:
        UserError: an option does not fit.
    """
    _check_options(module, dataset)
    # PaddleX knows no fusions; to it the graph of one is as good as any.
    module = replace(module, model_name=module.model_name or (module.models or [module.network])[0])
    found = read_marked(dataset, dataset.train)
    judged = found if dataset.overfit else read_marked(dataset, dataset.val)
    label = next(iter((*found.roles.flags, *judged.roles.flags)), None)
    module = replace(
        module,
        score_stride=module.score_stride or max(module.context // SCORES_PER_CONTEXT, 1),
        fitted=replace(module.fitted, label=label, has_anomalies=has_both_kinds(judged.series, label)),
    )
    if is_trained and weights is not None:
        return _as_trained(module, trained_processor(Path(weights), TsAnomalyProcessor, from_inference))
    usable = [series for series in found.series if len(series) > 1]
    # What is wrong with a file without series is told by the check, which reads it again.
    return replace(module, fitted=_fit(usable, found, module, dataset.holdout_share)) if usable else module


def _check_options(module: TsAnomalyConfig, dataset: DatasetOptions) -> None:
    for key, rows in (("score_stride", module.score_stride), ("smooth", module.smooth)):
        if rows is not None and rows > module.context:
            raise ConfigError(f"module.{key} must be 1 to module.context={module.context}, not {rows}")
    if module.risk >= 1 - module.level:
        raise ConfigError(f"module.risk={module.risk:g} must be below 1 - module.level, which is {1 - module.level:g}")
    columns = dataset.columns
    if columns.past_covariates or columns.future_covariates or columns.static_covariates:
        raise ConfigError("module=ts_anomaly takes no covariates: name all columns in dataset.columns.targets")


def _fit(usable: list[Series], found: ReadSplit, module: TsAnomalyConfig, share: float) -> FittedOptions:
    label, roles = module.fitted.label, found.roles
    held_in, _ = tails(usable, share, module.context)
    normal = [part for one in held_in for part in normal_stretches(one, label)] or held_in
    parts = [features_of(part, label) for part in normal]
    scaler = Scaler.fit([part.values for part in parts])
    longest = max(parts, key=len)
    return replace(
        module.fitted,
        features=list(longest.columns),
        time=roles.time,
        group=roles.group,
        frequency=str(found.frequency.text) if found.frequency else "1",
        periods=strongest_periods(scaler.transform(longest.values), module.context, NUM_PERIODS),
        mean=list(scaler.mean),
        std=list(scaler.std),
    )


def _as_trained(module: TsAnomalyConfig, processor: TsAnomalyProcessor) -> TsAnomalyConfig:
    fitted = replace(
        module.fitted,
        features=list(processor.features),
        time=processor.time,
        group=processor.group,
        frequency=processor.frequency,
        periods=list(processor.periods),
        mean=list(processor.mean),
        std=list(processor.std),
    )
    return replace(module, context=processor.context, score_stride=processor.stride, fitted=fitted)


def check(dataset: DatasetOptions, module: TsAnomalyConfig) -> CheckedMarks:
    """Reads and checks the dataset; findings are in the report, nothing is raised for them."""
    root, label = Path(dataset.root).expanduser(), module.fitted.label
    splits = {name: read_marked(dataset, getattr(dataset, name)) for name in ("train", "val")}
    findings = [finding for split in splits.values() for finding in split.findings]
    findings += _length_findings(splits, module)
    train, val = splits["train"].series, splits["val"].series
    if train and val:
        trained, judged = ([features_of(one, label) for one in series] for series in (train, val))
        findings += leakage_findings(trained, judged)
        findings += _other_columns(splits, (trained[0].columns, judged[0].columns), dataset)
        findings += _mark_findings(splits, module)
    report = CheckReport(
        str(root),
        tuple(findings),
        {name: _statistics(split.series, label) for name, split in splits.items()},
        fingerprint_of(root, [dataset.train, dataset.val]),
    )
    return CheckedMarks(report, train, val, module)


def _statistics(samples: Sequence[Series], label: str | None) -> dict[str, object]:
    found = series_statistics([features_of(one, label) for one in samples])
    marks = [each for each in (marks_of(one, label) for one in samples) if each is not None]
    if marks:
        rises = sum(int((np.diff(each, prepend=np.uint8(0)) == 1).sum()) for each in marks)
        found |= {"anomalous_rows": sum(int(each.sum()) for each in marks), "anomalous_events": rises}
    return found


def _length_findings(splits: dict[str, ReadSplit], module: TsAnomalyConfig) -> list[Finding]:
    findings = []
    for name, split in splits.items():
        parts = split.series
        if name == "train" and parts:
            parts = [part for one in split.series for part in normal_stretches(one, module.fitted.label)]
            if not parts:
                findings.append(Finding(split.file, 0, "error", "no-normal-rows", "all rows are marked as anomalous"))
        lengths = [len(one) for one in parts]
        if lengths and max(lengths) < module.context:
            reason = too_short_text([one.name for one in parts], lengths, module.context)
            findings.append(Finding(split.file, 0, "error", "too-short", reason))
        elif name == "val" and lengths and min(lengths) < module.context:
            short = sum(length < module.context for length in lengths)
            reason = f"{short} of {len(lengths)} series are shorter than module.context={module.context}: not scored"
            findings.append(Finding(split.file, 0, "warning", "series-too-short", reason))
    return findings


def _other_columns(
    splits: dict[str, ReadSplit], features: tuple[tuple[str, ...], tuple[str, ...]], dataset: DatasetOptions
) -> list[Finding]:
    """What can't be told from one file alone: the other has other columns, or another frequency."""
    trained, judged = features
    if trained != judged:
        reason = f"its features are {', '.join(judged)}, not {', '.join(trained)}"
        return [Finding(dataset.val, 1, "error", "other-columns", reason)]
    ours, other = splits["train"].frequency, splits["val"].frequency
    if ours and other and ours.text != other.text:
        reason = f"its rows are {other.text} apart, those of {dataset.train} {ours.text}"
        return [Finding(dataset.val, 0, "error", "other-frequency", reason)]
    return []


def _mark_findings(splits: dict[str, ReadSplit], module: TsAnomalyConfig) -> list[Finding]:
    train, val = splits["train"], splits["val"]
    label, findings = module.fitted.label, []
    marked = _num_rows(train.series) - _num_normal(train.series, label)
    if marked:
        reason = f"{marked} of {_num_rows(train.series)} rows are marked as anomalous: they are not trained on"
        findings.append(Finding(train.file, 0, "warning", "anomalies-in-training", reason))
    strange = _num_rows(val.series) - _num_normal(val.series, label)
    if not has_both_kinds(val.series, label):
        what = f"column {label} marks {'every row' if strange else 'none'}" if label else "no column marks anomalies"
        reason = f"{what}: auroc and F1 are not defined, and the reconstruction error (mse) picks the best checkpoint"
        findings.append(Finding(val.file, 0, "warning", "no-anomalies", reason))
        if module.threshold == "best_f1" and not has_both_kinds(train.series, label):
            reason = "module.threshold=best_f1 needs normal and anomalous rows: take percentile or pot"
            findings.append(Finding(val.file, 0, "error", "no-labels-for-threshold", reason))
    elif strange > MANY * _num_rows(val.series):
        share = strange / _num_rows(val.series)
        reason = f"{share:.0%} of the rows are marked as anomalous: does 1 in column {label} mean anomalous?"
        findings.append(Finding(val.file, 0, "warning", "many-anomalies", reason))
    return findings


def _num_rows(samples: Sequence[Series]) -> int:
    return sum(len(one) for one in samples)


def draw_samples(series: Sequence[Series], folder: Path) -> list[Path]:
    """Pictures of the first series, their marks as a channel of its own, written into `folder`."""
    paths = []
    for place, one in enumerate(series[:NUM_PICTURES]):
        paths.append(folder / f"series_{place}.png")
        write_image(paths[-1], draw_series(one.values, one.name, one.columns, shown_times(one.times, one.is_datetime)))
    return paths
