"""Checks a dataset of anomaly detection: windows that do not fit, marks that are missing or that are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.check import Checked, Finding
from plx_train.metrics.anomaly_thresholds import MIN_EXCESSES
from plx_train.modules.ts_anomaly.config import TsAnomalyConfig
from plx_train.modules.ts_anomaly.labels import MarkedData, features_of, has_both_kinds, marks_of, normal_stretches
from plx_train.modules.ts_anomaly.processor import TsAnomalyProcessor
from plx_train.series.check import columns_differ, frequencies_differ, length_findings, report_of
from plx_train.series.frame import Series
from plx_train.series.leakage import leakage_findings
from plx_train.series.statistics import series_statistics
from plx_train.series.windows import rows_of_windows

MANY = 0.3
"""Share of anomalous rows from which on one may ask what is normal."""


@dataclass(frozen=True)
class CheckedMarks(Checked[Series]):
    """The report, and the series per split with their marks.

    Attributes:
        context: rows of a window.
        label: column of the marks; None where there is none.
        has_anomalies: whether there are marks to judge by.
    """

    options: TsAnomalyConfig
    context: int
    label: str | None
    has_anomalies: bool

    def first(self, samples: Sequence[Series], limit: int | None) -> list[Series]:
        """The rows of the first `limit` windows; of validation all rows, as anomalies may be anywhere in it."""
        if limit is None or samples is self.val:
            return list(samples)
        return rows_of_windows(samples, self.context, limit)

    def hold_out(self, train: list[Series], share: float, seed: int) -> tuple[list[Series], list[Series]]:
        """Each series' beginning to train on, and its last `share` to choose the threshold on.

        Where too little could be held out it is chosen on what was trained on, and by the rule best_f1, where no
        anomaly is held out, on validation.
        """
        kept, held = tails(train, share, self.context)
        if self.options.threshold == "best_f1":
            return (kept, held) if has_both_kinds(held, self.label) else (train, self.val)
        return (kept, held) if _num_normal(held, self.label) >= rows_needed(self.options) else (train, train)


def tails(train: Sequence[Series], share: float, context: int) -> tuple[list[Series], list[Series]]:
    """Beginnings and ends of series; a series that is too short for a window in both stays whole."""
    kept, held = [], []
    for series in train:
        cut = len(series) - max(round(share * len(series)), context)
        splits = share > 0 and cut >= context
        kept.append(series.rows(0, cut) if splits else series)
        held += [series.rows(cut)] if splits else []
    return kept, held


def rows_needed(options: TsAnomalyConfig) -> int:
    """Normal rows from which the threshold can be taken."""
    if options.threshold == "pot":
        return int(np.ceil((MIN_EXCESSES + 1) / (1 - options.level)))
    return int(np.ceil(100 / (100 - options.percent)))


def check_marks(data: MarkedData, processor: TsAnomalyProcessor | None, options: TsAnomalyConfig) -> CheckedMarks:
    """What is wrong or odd in a dataset for a processor; None where there is no training series."""
    label, train, val = data.label, data.train, data.val
    context = processor.context if processor is not None else options.context
    findings = _length_findings(data, context)
    if train.series and val.series:
        trained, judged = ([features_of(one, label) for one in split.series] for split in (train, val))
        findings += leakage_findings(trained, judged)
        findings += columns_differ(val.file, judged[0].columns, trained[0].columns, "features") or frequencies_differ(
            train, val
        )
        if processor is not None:
            whose = "those of the model"
            findings += columns_differ(train.file, trained[0].columns, processor.features, "features", whose)
        findings += _mark_findings(data, options)
    report = report_of(data, findings, lambda samples: _statistics(samples, label))
    return CheckedMarks(report, train.series, val.series, options, context, label, data.has_anomalies)


def _statistics(samples: Sequence[Series], label: str | None) -> dict[str, Any]:
    found = series_statistics([features_of(one, label) for one in samples])
    marks = [each for each in (marks_of(one, label) for one in samples) if each is not None]
    if marks:
        rises = sum(int((np.diff(each, prepend=np.uint8(0)) == 1).sum()) for each in marks)
        found |= {"anomalous_rows": sum(int(each.sum()) for each in marks), "anomalous_events": rises}
    return found


def _length_findings(data: MarkedData, context: int) -> list[Finding]:
    train, val = data.train, data.val
    normal = [part for one in train.series for part in normal_stretches(one, data.label)]
    findings = []
    if train.series and not normal:
        findings.append(Finding(train.file, 0, "error", "no-normal-rows", "all rows are marked as anomalous"))
    findings += length_findings(train.file, normal, context)
    return findings + length_findings(val.file, val.series, context, 0, f"module.context={context}: not scored")


def _mark_findings(data: MarkedData, options: TsAnomalyConfig) -> list[Finding]:
    train, val, label = data.train, data.val, data.label
    findings, num_rows = [], _num_rows(train.series)
    marked = num_rows - _num_normal(train.series, label)
    if marked:
        reason = f"{marked} of {num_rows} rows are marked as anomalous: they are not trained on"
        findings.append(Finding(train.file, 0, "warning", "anomalies-in-training", reason))
    strange = _num_rows(val.series) - _num_normal(val.series, label)
    if not has_both_kinds(val.series, label):
        what = f"column {label} marks {'every row' if strange else 'none'}" if label else "no column marks anomalies"
        reason = f"{what}: auroc and F1 are not defined, and the reconstruction error (mse) picks the best checkpoint"
        findings.append(Finding(val.file, 0, "warning", "no-anomalies", reason))
        if options.threshold == "best_f1" and not has_both_kinds(train.series, label):
            reason = "module.threshold=best_f1 needs normal and anomalous rows: take percentile or pot"
            findings.append(Finding(val.file, 0, "error", "no-labels-for-threshold", reason))
    elif strange > MANY * _num_rows(val.series):
        share = strange / _num_rows(val.series)
        reason = f"{share:.0%} of the rows are marked as anomalous: does 1 in column {label} mean anomalous?"
        findings.append(Finding(val.file, 0, "warning", "many-anomalies", reason))
    return findings


def _num_rows(samples: Sequence[Series]) -> int:
    return sum(len(one) for one in samples)


def _num_normal(samples: Sequence[Series], label: str | None) -> int:
    return sum(len(part) for one in samples for part in normal_stretches(one, label))
