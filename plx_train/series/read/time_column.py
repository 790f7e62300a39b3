"""The column of times: how it is written, and the column of times of day that may belong to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from plx_train.series.read.day_order import TimeRows, settled
from plx_train.series.read.lines import cells_of
from plx_train.series.read.names import DAY_TIME_NAMES, plain_name
from plx_train.series.read.scan import Scan, scan_lines
from plx_train.series.read.source import find_source
from plx_train.series.read.times import OF_DAY, TimeFormat, guess_format, is_date, joined

Places = tuple[int, int | None, int | None]
"""Of a row's cells: the times, the times of day, the group."""
MANY = 0.9
"""Share of sampled cells that must be dates, or times of day."""


def looks_like_times(cells: Sequence[str]) -> bool:
    """Whether cells that are not empty are dates."""
    shown = cells[:100]
    return bool(shown) and sum(map(is_date, shown)) >= MANY * len(shown)


def find_of_day(scan: Scan, time: str | None, taken: Collection[str]) -> str | None:
    """The column of times of day that belong to dates in the column `time`; None where there is none."""
    if time is None or not looks_like_times(_cells(scan, time)) or any(":" in cell for cell in _cells(scan, time)):
        return None
    for name in scan.header:
        cells = _cells(scan, name) if plain_name(name) in DAY_TIME_NAMES and name not in taken else []
        if cells and sum(OF_DAY.fullmatch(cell) is not None for cell in cells) >= MANY * len(cells):
            return name
    return None


def time_format(
    scan: Scan, names: tuple[str, str | None, str | None], others: Sequence[tuple[Path, Path]], known: str | None
) -> TimeFormat | None:
    """How the times of a file are written; what is wrong or open is a finding of the scan.

    Args:
        names: of the columns of times, of times of day, and of groups.
        others: files of the same dataset, and its folder: all are read alike.
        known: how a finished model's were written.
    """
    name = names[0]
    rows = _rows(scan, names)
    cells = _cells(scan, name)
    if rows is None:
        shown = repr(cells[0][:40]) if cells else "an empty cell"
        reason = f"column {name}: {shown} is no time: write times as 2020-01-31 06:30:00"
        scan.add(scan.header_line + 1, "error", "time-unparseable", f"{reason}, or as integers")
        return None
    written = rows.written
    if written.or_else is not None:
        written = settled(rows, _other_rows(others, names), known)
    if written.or_else:
        reason = f"column {name}: days and months can't be told apart; read as {written.format}, not {written.or_else}"
        scan.add(scan.header_line, "warning", "time-ambiguous", f"{reason}: write times as 2020-01-31")
    if written.is_digits:
        reason = f"column {name}: the integers are read as dates, {cells[0]} as {written.format}"
        scan.add(scan.header_line, "warning", "time-as-digits", reason)
    return written


def _other_rows(others: Sequence[tuple[Path, Path]], names: tuple[str, str | None, str | None]) -> list[TimeRows]:
    found = []
    for path, root in others:
        source, _ = find_source(path, root)
        scan = scan_lines(source) if source is not None else None
        if scan is not None and scan.ok and names[0] in scan.header and (rows := _rows(scan, names)) is not None:
            found.append(rows)
    return found


def _rows(scan: Scan, names: tuple[str, str | None, str | None]) -> TimeRows | None:
    """The times of a file; None where its column holds none."""
    header = list(scan.header)
    time, of_day, group = (header.index(name) if name in header else None for name in names)
    assert time is not None
    places = time, of_day, group
    written = guess_format([text for row in scan.sample if (text := _text(row, places)) is not None])
    if written is None:
        return None
    head = [cells for line in scan.head if (cells := cells_of(line)) is not None and len(cells) == len(header)]
    last = cells_of(scan.last) if scan.last is not None and group is None else None
    if group is not None and head:
        head = [cells for cells in head if cells[group] == head[0][group]]
    texts = [text for cells in head if (text := _text(cells, places)) is not None]
    return TimeRows(
        written, texts, _text(last, places) if last else None, scan.num_rows if group is None else len(texts)
    )


def _text(cells: Sequence[str], places: Places) -> str | None:
    time, of_day, _ = places
    if len(cells) <= max(time, of_day or 0):
        return None
    return cells[time] if of_day is None else joined(cells[time].strip(), cells[of_day].strip().replace(".", ":"))


def _cells(scan: Scan, name: str) -> list[str]:
    place = scan.header.index(name)
    return [text for row in scan.sample if len(row) > place and (text := row[place].strip())]
