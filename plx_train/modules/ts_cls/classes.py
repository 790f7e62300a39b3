"""Classes of series: their names in order, and what is odd about how many series they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from plx_train.contract.check import Finding
from plx_train.data.classes import imbalance_findings, listed
from plx_train.data.leaks import trained_on_findings
from plx_train.data.odd_characters import character_findings
from plx_train.series.frame import Series
from plx_train.series.read.content import limited

FEW = 5
"""Training series of a class below which the check speaks of it."""


def class_names(series: Sequence[Series]) -> list[str]:
    """The classes by number: whole numbers by their value, before other names by the alphabet."""
    return sorted({one.label for one in series if one.label is not None}, key=_order)


def _order(name: str) -> tuple[bool, int, str]:
    is_number = name.isascii() and name.isdigit()
    return not is_number, int(name) if is_number else 0, name


def class_findings(train: Sequence[Series], val: Sequence[Series], files: tuple[str, str]) -> list[Finding]:
    """Classes that are missing, rare or out of proportion; `files` are those of training and validation."""
    trained, validated = (Counter(one.label or "" for one in part) for part in (train, val))
    findings = []
    if len(trained) < 2:
        reason = (
            f"all {len(train)} training series are of one class: name the columns of series and classes by "
            "dataset.columns.group and dataset.columns.label"
        )
        return [Finding(files[0], 0, "error", "one-class", reason)]
    unseen = [name for name in validated if not trained[name]]
    if unseen:
        reason = f"{sum(validated[name] for name in unseen)} series are of classes that are never trained on"
        reason = f"{reason}: {_listed(unseen)}; mend the labels, or move series of theirs to {files[0]}"
        findings.append(Finding(files[1], 0, "error", "class-not-trained", reason))
    absent = [name for name in trained if not validated[name]]
    if absent and val:
        reason = f"{len(absent)} of {len(trained)} classes have no series here, and no figure: {_listed(absent)}"
        findings.append(Finding(files[1], 0, "warning", "class-not-validated", reason))
    few = [name for name in trained if trained[name] < FEW]
    if few:
        reason = f"{len(few)} of {len(trained)} classes have fewer than {FEW} training series: {_listed(few)}"
        findings.append(Finding(files[0], 0, "warning", "few-series", reason))
    findings += character_findings(files[0], ((0, name) for name in trained), "names of classes")
    return findings + imbalance_findings(files[0], trained, "series")


def twin_findings(series: Sequence[Series]) -> list[Finding]:
    """The same rows more than once in one file, with another class or the same."""
    findings = []
    seen: dict[bytes, Series] = {}
    for one in series:
        first = seen.setdefault(_rows_of(one), one)
        if first is one:
            continue
        path, _, line = one.where.rpartition(":")
        reason = f"{one.name} has the rows of {first.name} ({first.where})"
        if first.label != one.label:
            findings.append(Finding(path, int(line), "error", "other-truth", f"{reason}, with another class"))
        else:
            findings.append(Finding(path, int(line), "warning", "series-twice", reason))
    return limited(findings)


def shared_findings(train: Sequence[Series], val: Sequence[Series], file: str) -> list[Finding]:
    """An error where more than a few validation series are trained on; copied rows are told of one by one."""
    known = {_rows_of(one) for one in train}
    return trained_on_findings(file, sum(_rows_of(one) in known for one in val), len(val), "series")


def _rows_of(series: Series) -> bytes:
    return np.ascontiguousarray(series.values).tobytes()


def one_of_each(series: Sequence[Series], count: int) -> list[Series]:
    """Up to `count` series, the first of every class before the second of any."""
    turns: Counter[str | None] = Counter()
    ranked = []
    for place, one in enumerate(series):
        ranked.append((turns[one.label], place))
        turns[one.label] += 1
    return [series[place] for _, place in sorted(ranked)[:count]]


def _listed(names: Sequence[str]) -> str:
    return listed(sorted(names, key=_order))
