"""Looks at the rows of a file once they are in order: repeated times, gaps, missing, infinite and constant values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plx_train.contract.check import Finding, Level
from plx_train.series.frame import time_text
from plx_train.series.frequency import NANOSECONDS, Frequency, infer_frequency
from plx_train.series.grid import find_gaps
from plx_train.series.read.marks import find_marks
from plx_train.series.read.scan import Scan

SHOWN = 5
"""Findings of one kind in one file; more of them are counted."""
CHANGE_MONTHS = (3, 4, 9, 10, 11)
"""Months in which clocks are set forward or back somewhere."""
SUNDAY = 6
LARGEST = float(np.finfo(np.float32).max)
"""What networks, which compute in 32 bits, can be given."""
LATEST_CHANGE = 4
"""Clocks change before this hour of the night."""


@dataclass(frozen=True)
class Rows:
    """Rows of a file by series and time.

    Attributes:
        columns: names of the C values.
        names: of the series.
        times: int64 (T,).
        values: float64 (T, C).
        starts: int64 (series,), the first row of each.
        order: int64 (T,), where in the file each row stood; None where they stood so.
    """

    scan: Scan
    columns: tuple[str, ...]
    names: list[str]
    times: np.ndarray
    is_datetime: bool
    values: np.ndarray
    starts: np.ndarray
    order: np.ndarray | None

    def line(self, row: int) -> int:
        """The line in the file."""
        place = row if self.order is None else int(self.order[row])
        return int(self.scan.lines(np.asarray([place]))[0])

    def finding(self, row: int, level: Level, code: str, reason: str) -> Finding:
        return Finding(self.scan.name, self.line(row), level, code, reason)

    def text(self, row: int) -> str:
        """The row's time."""
        return time_text(self.times[row], self.is_datetime)


def check_rows(rows: Rows, has_times: bool, flags: Sequence[str] = (), faulty: Collection[str] = ()) -> list[Finding]:
    """What is wrong or odd with rows.

    Args:
        has_times: times were read, and not counted.
        flags: columns of 0 and 1, which may be constant.
        faulty: columns of which some cells are no numbers: they were told of.
    """
    findings = _check_times(rows) if has_times else []
    for place, name in enumerate(rows.columns):
        if name not in faulty:
            findings += _check_column(rows, name, rows.values[:, place], name in flags)
    measured = [name for name in rows.columns if name not in faulty and name not in flags]
    return limited(findings + _check_marks(rows, measured))


def _check_marks(rows: Rows, names: Sequence[str]) -> list[Finding]:
    """Numbers that seem to mark missing values, with the key that takes those of all columns for such."""
    by_name = {name: find_marks(rows.values[:, rows.columns.index(name)]) for name in names}
    key = ",".join(dict.fromkeys(f"{mark!r}".removesuffix(".0") for marks in by_name.values() for mark, _ in marks))
    findings = []
    for name, marks in by_name.items():
        if not marks:
            continue
        values = rows.values[:, rows.columns.index(name)]
        others = values[np.isfinite(values) & ~np.isin(values, [mark for mark, _ in marks])]
        for mark, count in marks:
            shown = f"{count} of {len(values)} rows ({count / len(values):.2%}) are" if count > 1 else "a row is"
            reason = (
                f"column {name}: {shown} {mark:g}, far from all others ({others.min():g} to {others.max():g}): if that "
                f"marks missing values, set dataset.missing=[{key}]"
            )
            row = int((values == mark).argmax())
            findings.append(rows.finding(row, "warning", "missing-marks", reason))
    return findings


def limited(findings: Sequence[Finding]) -> list[Finding]:
    """The first few findings of each kind; the last of them says how many more there are."""
    kept: list[Finding] = []
    for code in dict.fromkeys(finding.code for finding in findings):
        same = [finding for finding in findings if finding.code == code]
        hidden = len(same) - SHOWN
        kept += same[:SHOWN]
        if hidden > 0:
            kept[-1] = replace(kept[-1], reason=f"{kept[-1].reason} (and {hidden} more of this kind)")
    return kept


def _check_times(rows: Rows) -> list[Finding]:
    findings: list[Finding] = []
    texts: dict[str | int, str] = {}
    for name, start, stop in zip(rows.names, rows.starts, [*rows.starts[1:], len(rows.times)], strict=True):
        times = rows.times[start:stop]
        findings += _duplicates(rows, name, int(start), times)
        frequency = infer_frequency(times, rows.is_datetime)
        if frequency is None:
            if len(times) > 2:
                reason = f"{name}: the rows are not evenly spaced in time; windows count rows, not time"
                findings.append(rows.finding(int(start), "warning", "irregular-frequency", reason))
            continue
        texts.setdefault(frequency.text, name)
        findings += _gaps(rows, name, int(start), times, frequency)
    if len(texts) > 1:
        shown = ", ".join(f"{text} ({name})" for text, name in list(texts.items())[:SHOWN])
        reason = f"the series have different frequencies: {shown}"
        findings.append(Finding(rows.scan.name, 0, "warning", "frequencies-differ", reason))
    return findings


def _duplicates(rows: Rows, name: str, start: int, times: np.ndarray) -> list[Finding]:
    again = np.flatnonzero(times[1:] == times[:-1]) + 1
    if len(again) == 0:
        return []
    row = start + int(again[0])
    if rows.is_datetime and _clocks_change(times[again]):
        reason = (
            f"{name}: {rows.text(row)} stands in line {rows.line(row - 1)} already, as when daylight saving ends "
            f"({len(again)} rows): set dataset.time_zone to the clocks' zone, as Europe/Berlin, or write times in UTC"
        )
        return [rows.finding(row, "error", "dst-repeated-hour", reason)]
    reason = f"{name}: the time {rows.text(row)} stands in line {rows.line(row - 1)} already ({len(again)} such rows)"
    return [
        rows.finding(
            row,
            "error",
            "duplicate-time",
            f"{reason}: if series are mixed, name their column of ids in dataset.columns.group",
        )
    ]


def _gaps(rows: Rows, name: str, start: int, times: np.ndarray, frequency: Frequency) -> list[Finding]:
    gaps = find_gaps(times, frequency)
    findings = []
    if gaps.num_off_grid:
        row = start + gaps.first_off_grid
        reason = f"{name}: {gaps.num_off_grid} rows are not a multiple of {frequency.text} after the first, the first "
        reason = f"{reason} of them at {rows.text(row)}; windows count rows, not time"
        findings.append(rows.finding(row, "warning", "irregular-frequency", reason))
    if not gaps.num_missing:
        return findings
    before = start + gaps.first
    first = f"{gaps.first_missing} after {rows.text(before)}"
    if rows.is_datetime and _is_lost_hour(times, gaps.num_gaps, frequency):
        reason = (
            f"{name}: the hour after {rows.text(before)} is missing, as when daylight saving begins ({gaps.num_gaps} "
            "times): set dataset.time_zone to the clocks' zone, as Europe/Berlin, or write times in UTC"
        )
        return [*findings, rows.finding(before, "warning", "dst-missing-hour", reason)]
    reason = f"{name}: {gaps.num_missing} rows are missing in {gaps.num_gaps} places at {frequency.text}, first {first}"
    return [*findings, rows.finding(before, "warning", "gaps", reason)]


def _is_lost_hour(times: np.ndarray, num_gaps: int, frequency: Frequency) -> bool:
    """Whether all gaps are of an hour in nights in which clocks change."""
    steps = np.diff(times)
    gaps = np.flatnonzero(steps > frequency.step)
    hour = NANOSECONDS["h"]
    is_hour = frequency.step <= hour and (steps[gaps] == hour + frequency.step).all()
    return bool(len(gaps) == num_gaps and is_hour and _clocks_change(times[gaps] + frequency.step))


def _clocks_change(times: np.ndarray) -> bool:
    """Whether all times int64 (N,) lie in the small hours of Sundays in spring or autumn."""
    days = times.astype("datetime64[ns]").astype("datetime64[D]")
    month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    weekday = (days.astype(np.int64) + 3) % 7
    hour = times // NANOSECONDS["h"] % 24
    return bool((np.isin(month, CHANGE_MONTHS) & (weekday == SUNDAY) & (hour < LATEST_CHANGE)).all())


def _check_column(rows: Rows, name: str, values: np.ndarray, is_flag: bool) -> list[Finding]:
    findings = []
    is_missing = np.isnan(values)
    if is_missing.all():
        return [rows.finding(0, "error", "no-value", f"column {name}: no row has a value")]
    if is_missing.any():
        first, count = int(is_missing.argmax()), int(is_missing.sum())
        reason = f"column {name}: {count} of {len(values)} rows ({count / len(values):.2%}) have no value"
        findings.append(rows.finding(first, "warning", "missing-values", f"{reason}, the first at {rows.text(first)}"))
    is_infinite = np.isinf(values)
    if is_infinite.any():
        first, count = int(is_infinite.argmax()), int(is_infinite.sum())
        reason = f"column {name}: {count} rows are infinite, the first at {rows.text(first)}"
        return [*findings, rows.finding(first, "error", "infinite-values", reason)]
    is_beyond = (values > LARGEST) | (values < -LARGEST)
    if is_beyond.any():
        first, count = int(is_beyond.argmax()), int(is_beyond.sum())
        reason = f"column {name}: {count} rows are too far from 0 for the 32 bits of networks, the first is "
        reason += f"{values[first]:g}: leave the cells empty, or name marks of missing values in dataset.missing"
        return [*findings, rows.finding(first, "error", "infinite-values", reason)]
    if is_flag:
        return findings + _check_flags(rows, name, values)
    low, high = np.fmin.reduceat(values, rows.starts), np.fmax.reduceat(values, rows.starts)
    if np.nanmin(low) == np.nanmax(high) and len(values) > 1:
        reason = f"column {name}: all rows are {np.nanmin(low):g}; a constant column says nothing"
        return [*findings, rows.finding(0, "warning", "constant-column", reason)]
    constant = np.flatnonzero((low == high) & (np.diff([*rows.starts, len(values)]) > 1))
    if len(constant):
        first = int(constant[0])
        reason = f"column {name}: constant in {len(constant)} of {len(low)} series, the first is {rows.names[first]}"
        findings.append(rows.finding(int(rows.starts[first]), "warning", "constant-column", reason))
    return findings


def _check_flags(rows: Rows, name: str, values: np.ndarray) -> list[Finding]:
    bad = np.flatnonzero((values != 0) & (values != 1) & ~np.isnan(values))
    if len(bad) == 0:
        return []
    reason = f"column {name}: {values[bad[0]]:g} is neither 0 nor 1 ({len(bad)} such rows)"
    return [rows.finding(int(bad[0]), "error", "flag-not-0-or-1", reason)]
