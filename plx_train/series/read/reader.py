"""Reads files of series: one series a file, or one per group; what is wrong is told, never raised."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plx_train.contract.check import Finding
from plx_train.series.frame import Series
from plx_train.series.frequency import ROWS_AT_ONCE
from plx_train.series.read.content import Rows, check_rows
from plx_train.series.read.day_order import in_doubt
from plx_train.series.read.header import SEPARATORS
from plx_train.series.read.marks import MISSING
from plx_train.series.read.mending import date_parts, mend, survey
from plx_train.series.read.number_columns import numeric_columns
from plx_train.series.read.scan import Scan, scan_header, scan_lines
from plx_train.series.read.source import TableSource, find_source
from plx_train.series.read.table import Chosen, Table, read_table
from plx_train.series.read.time_column import find_of_day, time_format

MAX_NEAR = 1000
"""Columns among which one of a similar name is looked for."""

ORDER_FAULTS = ("time-missing", "time-unparseable", "time-zones-mixed", "dst-missing-hour", "groups-of-one-row")
"""Findings of order; without times and groups there is none, and nothing more to say."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a file are what.

    Attributes:
        time: of times; None: rows are numbered.
        values: of numbers; None: every other column of numbers.
        group: of ids of series (long format); None: the file is one series.
        static: of numbers that don't change within a series.
        label: of classes, one per series, as text.
        flags: among the values, columns of 0 and 1 that mark rows, as anomalies do: they may be constant.
        missing: numbers that mark missing values, of static columns too; flags have none.
        time_format: how times are written where a file leaves day and month open, as `strptime` takes it.
    """

    time: str | None = None
    values: tuple[str, ...] | None = None
    group: str | None = None
    static: tuple[str, ...] = ()
    label: str | None = None
    flags: tuple[str, ...] = ()
    missing: tuple[float, ...] = ()
    time_format: str | None = None


def read_series(
    path: Path, root: Path, columns: Columns, time_zone: str | None = None
) -> tuple[list[Series], list[Finding]]:
    """The series of a file in the order of their first rows, each in the order of time; and what was found.

    A file of one series whose rows are in order is read once into the array that the series shows: no copy is made.

    Args:
        path: a ``.csv``, ``.csv.gz``, ``.csv.xz``, ``.xlsx`` or ``.xls``, in `root`.
        root: the dataset's folder.
        time_zone: of clock times without an offset, as ``Europe/Berlin``; they become UTC. None: they stay as they
            are. Times with an offset always become UTC.

    Raises:
        ConfigError: there is no such time zone.
    """
    source, findings = find_source(path, root)
    return read_source(source, columns, time_zone) if source is not None else ([], findings)


def read_source(
    source: TableSource, columns: Columns, time_zone: str | None = None
) -> tuple[list[Series], list[Finding]]:
    """The same of what is not a file of its own."""
    found = _read(source, columns, time_zone, [])
    return found.series, found.findings


@dataclass(frozen=True)
class ReadFile:
    """The series of a file, what was found, and how its times are written where day and month may be mistaken."""

    series: list[Series]
    findings: list[Finding]
    time_format: str | None = None


def read_file(
    path: Path, root: Path, columns: Columns, time_zone: str | None = None, others: Sequence[Path] = ()
) -> ReadFile:
    """As `read_series`; days and months are told apart as in the other files of the dataset."""
    source, findings = find_source(path, root)
    if source is None:
        return ReadFile([], findings)
    return _read(source, columns, time_zone, [(other, root) for other in others])


def _read(
    source: TableSource, columns: Columns, time_zone: str | None, others: Sequence[tuple[Path, Path]]
) -> ReadFile:
    found = _in_time(source, columns, time_zone, others)
    scan = found.scan
    if found.table is None or found.rows is None:
        return ReadFile([], _by_line(scan.findings))
    checked = check_rows(found.rows, found.chosen.time is not None, columns.flags, found.table.faulty)
    scan.findings += checked
    written = in_doubt(found.chosen.time_format) if found.chosen.time_format is not None else None
    return ReadFile(_split(found.table, found.rows, found.chosen, scan), _by_line(scan.findings), written)


@dataclass(frozen=True)
class InTime:
    """A file's rows by series and time; no rows where their order can't be told: the scan's findings say why."""

    scan: Scan
    chosen: Chosen
    table: Table | None = None
    rows: Rows | None = None


def rows_in_time(source: TableSource, columns: Columns, time_zone: str | None = None) -> InTime:
    """The rows of a file in the order in which series are made of them; what they hold is not looked at."""
    return _in_time(source, columns, time_zone, [])


def _in_time(
    source: TableSource, columns: Columns, time_zone: str | None, others: Sequence[tuple[Path, Path]]
) -> InTime:
    scan = scan_lines(source)
    if scan.separator is not None:
        _tell_separator(source, scan, columns)
    if not scan.ok:
        return InTime(scan, Chosen(()))
    said = date_parts(source, scan.header, scan.header_line - 1) if columns.time is None else None
    if said is not None:
        scan.add(scan.header_line, "warning", "time-in-parts", said)
    chosen = _choose(scan, columns, others)
    table = read_table(source, scan, chosen, time_zone) if scan.ok else None
    if table is None:
        return InTime(scan, chosen)
    scan.findings += table.findings
    if any(finding.code in ORDER_FAULTS for finding in table.findings):
        return InTime(scan, chosen)
    rows, findings = _in_order(table, scan, chosen)
    scan.findings += findings
    return InTime(scan, chosen, table, rows)


def _tell_separator(source: TableSource, scan: Scan, columns: Columns) -> None:
    """The finding of a file whose cells no commas separate, with what mends it."""
    assert scan.separator is not None
    texts = [name for name in (columns.time, columns.group, columns.label) if name]
    found = survey(source, scan.header_line + scan.offset, scan.separator, MISSING, texts)
    reason = f"columns are separated by {SEPARATORS[scan.separator]}, not commas; {mend(source, found)}"
    scan.add(scan.header_line, "error", "separator", reason)


def read_header(path: Path, root: Path) -> tuple[str, ...]:
    """Names of a file's columns; none where it can't be read."""
    source, _ = find_source(path, root)
    return scan_header(source).header if source is not None else ()


def _by_line(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.line)


def _choose(scan: Scan, columns: Columns, others: Sequence[tuple[Path, Path]]) -> Chosen:
    """The columns to read; those that are missing, or not what they should be, are findings of the scan."""
    keys = {columns.time: "time", columns.group: "group", columns.label: "label"}
    special = (*(name for name in keys if name is not None), *columns.static)
    for name in dict.fromkeys((*special, *(columns.values or ()), *columns.flags)):
        if name not in scan.header:
            key = f"dataset.columns.{keys[name]}" if name in keys else "dataset.columns"
            scan.add(scan.header_line, "error", "column-missing", _missing_text(name, key, scan.header))
    if not scan.ok:
        return Chosen(())
    of_day = find_of_day(scan, columns.time, (*special, *(columns.values or ())))
    if of_day is not None:
        reason = f"the times of day in the column {of_day!r} were put behind the dates in {columns.time!r}"
        scan.add(
            scan.header_line, "warning", "time-in-two-columns", f"{reason}; PaddleX reads them in one column alone"
        )
    taken = special if of_day is None else (*special, of_day)
    values = columns.values if columns.values is not None else numeric_columns(scan, taken)
    for name, count in Counter((*values, *special)).items():
        if count > 1:
            reason = f"dataset.columns names {name!r} {count} times: a column has one role"
            scan.add(scan.header_line, "error", "column-in-two-roles", reason)
    if not values:
        scan.add(scan.header_line, "error", "no-values", f"no column but {', '.join(special) or 'these'} holds numbers")
    time = columns.time
    written = (
        time_format(scan, (time, of_day, columns.group), others, columns.time_format) if time and scan.ok else None
    )
    marks = {name: columns.missing for name in (*values, *columns.static) if name not in columns.flags}
    return Chosen(tuple(values), time, of_day, written, columns.group, columns.static, columns.label, marks)


def _missing_text(name: str, key: str, header: tuple[str, ...]) -> str:
    near = [other for other in header if other.lower() == name.lower()]
    near = near or difflib.get_close_matches(name, header[:MAX_NEAR], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"the columns are {', '.join(header[:20])}"
    return f"there is no column {name!r}, which {key} names: {hint}"


def _in_order(table: Table, scan: Scan, chosen: Chosen) -> tuple[Rows, list[Finding]]:
    """The table's rows by group and time; sorted in place where they are not, with a warning for times."""
    findings, order = [], None
    if not _is_ordered(table.codes, table.times):
        num_back, line = _rows_back(table, scan)
        if num_back:
            reason = f"{num_back} rows are earlier than the row before them; they were sorted by {chosen.time}"
            findings.append(Finding(scan.name, line, "warning", "out-of-order", reason))
        # Both sorts leave rows of the same time as they stood.
        several = len(table.groups) > 1
        order = np.lexsort((table.times, table.codes)) if several else np.argsort(table.times, kind="stable")
        table.times, table.codes = table.times[order], table.codes[order] if several else table.codes
        for place in range(table.values.shape[1]):
            table.values[:, place] = table.values[order, place]
    starts = np.concatenate([[0], np.flatnonzero(table.codes[1:] != table.codes[:-1]) + 1])
    if chosen.time is None and len(starts) > 1:
        table.times = np.arange(len(table.times)) - np.repeat(starts, np.diff([*starts, len(table.times)]))
    # Groups are numbered as they come, so that those of the sorted rows are 0, 1, 2 …
    names = [f"{scan.name}:{group}" for group in table.groups] or [scan.name]
    return Rows(scan, chosen.values, names, table.times, table.is_datetime, table.values, starts, order), findings


def _rows_back(table: Table, scan: Scan) -> tuple[int, int]:
    """How many rows are earlier than the row of their group before them, and the line of the first."""
    if len(table.groups) <= 1:
        is_back = table.times[1:] < table.times[:-1]
        count, first = int(is_back.sum()), int(is_back.argmax()) + 1
        return count, int(scan.lines(np.asarray([first]))[0])
    by_group = np.argsort(table.codes, kind="stable")
    codes, times = table.codes[by_group], table.times[by_group]
    back = by_group[1:][(codes[1:] == codes[:-1]) & (times[1:] < times[:-1])]
    return len(back), int(scan.lines(back.min(keepdims=True))[0]) if len(back) else 0


def _is_ordered(codes: np.ndarray, times: np.ndarray) -> bool:
    """Whether rows stand by group and time."""
    for start in range(0, len(codes), ROWS_AT_ONCE):
        code, time = codes[start : start + ROWS_AT_ONCE + 1], times[start : start + ROWS_AT_ONCE + 1]
        if not ((code[1:] > code[:-1]) | ((code[1:] == code[:-1]) & (time[1:] >= time[:-1]))).all():
            return False
    return True


def _split(table: Table, rows: Rows, chosen: Chosen, scan: Scan) -> list[Series]:
    """One series per group; their arrays are views of the table's."""
    series = []
    stops = [*rows.starts[1:], len(rows.times)]
    for code, (start, stop) in enumerate(zip(rows.starts.tolist(), stops, strict=True)):
        group = table.groups[code] if table.groups else None
        series.append(
            Series(
                name=rows.names[code],
                where=f"{scan.name}:{rows.line(start)}",
                times=rows.times[start:stop],
                is_datetime=rows.is_datetime,
                columns=chosen.values,
                values=rows.values[start:stop],
                static=_static(table, chosen, code, rows),
                label=table.labels.get(code),
                group=group,
            )
        )
    return series


def _static(table: Table, chosen: Chosen, code: int, rows: Rows) -> tuple[tuple[str, float], ...]:
    if not chosen.static:
        return ()
    low, high = table.static[:, code]
    for name, least, most in zip(chosen.static, low, high, strict=True):
        if least != most:  # nor where a value is missing: NaN equals nothing
            changes = f"changes within {rows.names[code]}" if least < most else f"has no value in {rows.names[code]}"
            reason = f"the static column {name!r} {changes}: name it as a covariate, or leave it out"
            rows.scan.add(rows.line(int(rows.starts[code])), "error", "static-changes", reason)
    return tuple(zip(chosen.static, low.tolist(), strict=True))
