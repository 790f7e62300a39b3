"""What the checks of all rooms of series share: findings of length and of files that differ, and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from plx_train.contract.check import CheckReport, Finding
from plx_train.series.frame import Series
from plx_train.series.read.splits import ReadSplit, SeriesData, fingerprint_of
from plx_train.series.windows import too_short_text

Columns = Sequence[str]


def report_of(
    data: SeriesData, findings: Sequence[Finding], statistics: Callable[[Sequence[Series]], dict[str, Any]]
) -> CheckReport:
    """The report: what reading the files found, then `findings`.

    Args:
        statistics: plain numbers of a split.
    """
    splits = {"train": data.train, "val": data.val}
    return CheckReport(
        str(data.root),
        (*data.train.findings, *data.val.findings, *findings),
        {name: statistics(split.series) for name, split in splits.items()},
        fingerprint_of(data.root, [data.train.file, data.val.file]),
    )


def length_findings(
    file: str, samples: Sequence[Series], context: int, horizon: int = 0, consequence: str | None = None
) -> list[Finding]:
    """An error where no series holds a window; a warning where some don't.

    Args:
        context, horizon: rows of a window.
        consequence: what is said of how many series are short, ``{short} of {series} …``; None: nothing.
    """
    lengths, needed = [len(series) for series in samples], context + horizon
    if not lengths or min(lengths) >= needed:
        return []
    if max(lengths) < needed:
        reason = too_short_text([series.name for series in samples], lengths, context, horizon)
        return [Finding(file, 0, "error", "too-short", reason)]
    if consequence is None:
        return []
    short = sum(length < needed for length in lengths)
    reason = f"{short} of {len(lengths)} series are shorter than {consequence}"
    return [Finding(file, 0, "warning", "series-too-short", reason)]


def columns_differ(file: str, found: Columns, wanted: Columns, noun: str = "columns", whose: str = "") -> list[Finding]:
    """An error where a file has other columns than it must.

    Args:
        whose: ``those of the model`` for example; empty: the other file's.
    """
    if list(found) == list(wanted):
        return []
    other = f"{whose} {', '.join(wanted)}" if whose else f"not {', '.join(wanted)}"
    return [Finding(file, 1, "error", "other-columns", f"its {noun} are {', '.join(found)}, {other}")]


def frequencies_differ(train: ReadSplit, val: ReadSplit) -> list[Finding]:
    """An error where the rows of validation are not as far apart as those of training."""
    ours, other = train.frequency, val.frequency
    if ours is None or other is None or ours.text == other.text:
        return []
    reason = f"its rows are {other.text} apart, those of {train.file} {ours.text}"
    return [Finding(val.file, 0, "error", "other-frequency", reason)]
