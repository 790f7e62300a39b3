"""Checks a dataset of labelled series: classes, lengths and sizes that don't suit, series that are there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.check import Checked, Finding
from plx_train.modules.ts_cls.classes import class_findings, class_names, one_of_each, shared_findings, twin_findings
from plx_train.modules.ts_cls.config import ROCKET, TsClsConfig
from plx_train.modules.ts_cls.facts import LabelledData
from plx_train.modules.ts_cls.processor import TsClsProcessor
from plx_train.nn.series.rocket import LENGTHS
from plx_train.series.check import columns_differ, report_of
from plx_train.series.frame import Series
from plx_train.series.leakage import leakage_findings
from plx_train.series.read.splits import ReadSplit
from plx_train.series.statistics import series_statistics

MUCH_SHORTER = 0.1
"""Share of the length below which a series is hardly more than filling."""
MUCH_LARGER = 1000
"""Times that large series vary as much as small ones before it is told."""


@dataclass(frozen=True)
class CheckedClasses(Checked[Series]):
    """The report, the series of known classes per split, and the data that they are of."""

    data: LabelledData

    def first(self, samples: Sequence[Series], limit: int | None) -> list[Series]:
        """`limit` series in the file's order, of as many classes as can be; files often stand class by class."""
        if limit is None or limit >= len(samples):
            return list(samples)
        chosen = {id(one) for one in one_of_each(samples, limit)}
        return [one for one in samples if id(one) in chosen]

    def hold_out(self, train: list[Series], share: float, seed: int) -> tuple[list[Series], list[Series]]:
        """Series to train on and those held out, the same share of each class; one of each is always trained on."""
        rng = np.random.default_rng(seed)
        held: set[int] = set()
        for name in class_names(train):
            places = np.flatnonzero([one.label == name for one in train])
            held.update(rng.permutation(places)[: min(round(share * len(places)), len(places) - 1)].tolist())
        kept = [one for place, one in enumerate(train) if place not in held]
        return kept, [train[place] for place in sorted(held)]


def check_classes(data: LabelledData, processor: TsClsProcessor | None) -> CheckedClasses:
    """What is wrong or odd in a dataset for a processor; None where there is no training series."""
    train, val = data.train.series, data.val.series
    findings: list[Finding] = []
    for split in (data.train, data.val):
        findings += twin_findings(split.series)
        if processor is not None:
            findings += _length_findings(split, processor, data.options)
    if train and processor is not None:
        findings += class_findings(train, val, (data.train.file, data.val.file))
        findings += leakage_findings(train, val) + shared_findings(train, val, data.val.file)
        findings += _size_findings(data.train, data.options)
        whose = "those of the model"
        findings += columns_differ(data.train.file, train[0].columns, processor.columns, whose=whose)
        findings += _unknown_classes(data, processor)
    known = set(processor.labels) if processor is not None else set()
    report = report_of(data, findings, _statistics)
    kept, judged = ([one for one in part if one.label in known] for part in (train, val))
    return CheckedClasses(report, kept, judged, data)


def _length_findings(split: ReadSplit, processor: TsClsProcessor, options: TsClsConfig) -> list[Finding]:
    length, lengths = processor.length, np.asarray([len(one) for one in split.series], np.int64)
    findings = []
    longer, short = int((lengths > length).sum()), int((lengths < MUCH_SHORTER * length).sum())
    if longer:
        reason = (
            f"{longer} of {len(lengths)} series have more than {length} rows, the longest {lengths.max()}: what comes "
            "after is not looked at; train with a larger module.length"
        )
        findings.append(Finding(split.file, 0, "warning", "series-longer", reason))
    if short:
        reason = f"{short} of {len(lengths)} series are shorter than a tenth of {length} rows, to which all are filled"
        findings.append(Finding(split.file, 0, "warning", "series-much-shorter", f"{reason} up: see module.length"))
    if options.network == ROCKET and len(lengths) and processor.median_rows < LENGTHS[0]:
        reason = f"half of the series have fewer than {LENGTHS[0]} rows, which ROCKET needs: choose another network"
        findings.append(Finding(split.file, 0, "error", "too-short", reason))
    return findings


def _size_findings(split: ReadSplit, options: TsClsConfig) -> list[Finding]:
    """Where one scale for all series hides the small ones from a network; ROCKET decides for itself."""
    if options.network == ROCKET or options.standardise is not None:
        return []
    findings = []
    for column, name in enumerate(split.series[0].columns):
        sizes = np.asarray([one.values[:, column].std() for one in split.series])
        # Neither flat ones nor those with missing values.
        sizes = sizes[sizes > 0]
        low, high = np.quantile(sizes, (0.1, 0.9)) if len(sizes) else (1.0, 1.0)
        if high > MUCH_LARGER * low:
            reason = (
                f"the deviation of {name} within a series is {low:.2g} in a tenth of the series and {high:.2g} in "
                "another: by one scale for all, little is seen of the small ones; try module.standardise=true"
            )
            findings.append(Finding(split.file, 0, "warning", "sizes-differ", reason))
    return findings


def _unknown_classes(data: LabelledData, processor: TsClsProcessor) -> list[Finding]:
    """Where a finished model knows other classes than the files hold."""
    unknown = [name for name in class_names(data.val.series) if name not in processor.labels]
    if not set(unknown) & set(class_names(data.train.series)):
        return []
    reason = f"the model knows no class {', '.join(unknown[:5])}: its classes are {', '.join(processor.labels[:20])}"
    return [Finding(data.val.file, 0, "error", "label-unknown", reason)]


def _statistics(series: Sequence[Series]) -> dict[str, Any]:
    counts = sorted(Counter(one.label for one in series).values()) or [0]
    spread = {"min": counts[0], "p50": float(np.median(counts)), "max": counts[-1]}
    return series_statistics(series) | {"series_per_class": spread}
