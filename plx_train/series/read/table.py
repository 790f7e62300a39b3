"""Reads the rows of a CSV piece by piece into arrays that are allocated once."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.series.read.as_numbers import as_numbers
from plx_train.series.read.cell_faults import OTHER_NOTATION, CellFaults
from plx_train.series.read.marks import MISSING, without_marks
from plx_train.series.read.mending import remedies, survey
from plx_train.series.read.notation import ColumnNotation, is_numeric
from plx_train.series.read.scan import Scan, open_at_rows
from plx_train.series.read.source import READ_FAULTS, TableSource
from plx_train.series.read.times import TimeFormat, joined, parse_times
from plx_train.series.zones import to_utc

if TYPE_CHECKING:
    import pandas

ROWS_AT_ONCE, CELLS_AT_ONCE = 1 << 13, 1 << 17
"""Rows that are read at once, fewer of wide tables: pandas holds them several times over."""
BYTES_BESIDE = 12
"""Bytes of a row's time and group."""
MANY_GROUPS = 1000
DAY = 86_400 * 10**9


@dataclass(frozen=True)
class Chosen:
    """The columns to read: each is in the file; `of_day` holds the times of day that belong to dates in `time`, `marks`
    by column the numbers that mark missing values."""

    values: tuple[str, ...]
    time: str | None = None
    of_day: str | None = None
    time_format: TimeFormat | None = None
    group: str | None = None
    static: tuple[str, ...] = ()
    label: str | None = None
    marks: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        single = (name for name in (self.time, self.of_day, self.group, self.label) if name)
        return list(dict.fromkeys([*self.values, *single, *self.static]))


@dataclass
class Table:
    """All rows of a file in its order.

    Attributes:
        values: float64 (T, C).
        times: int64 (T,); numbers of rows where there is no column of times.
        is_datetime: whether times are nanoseconds since 1970.
        codes: int32 (T,), number of each row's group.
        groups: ids of the groups by number.
        static: float64 (groups, S), lowest and highest value of each: (2, groups, S) in all.
        labels: classes by group.
        findings: faults of cells.
        faulty: columns that have such.
    """

    values: np.ndarray
    times: np.ndarray
    is_datetime: bool
    codes: np.ndarray
    groups: list[str] = field(default_factory=list)
    static: np.ndarray = field(default_factory=lambda: np.zeros((2, 0, 0)))
    labels: dict[int, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    faulty: set[str] = field(default_factory=set)


def read_table(source: TableSource, scan: Scan, chosen: Chosen, time_zone: str | None) -> Table | None:
    """The rows of a file that was scanned; None, and a finding in `scan`, where it can't be read on."""
    needed = scan.num_rows * (8 * len(chosen.values) + BYTES_BESIDE)
    if needed > _memory():
        reason = f"its {scan.num_rows:,} rows need {needed >> 30} GiB, more than this computer's memory"
        scan.add(0, "error", "file-too-large", f"{reason}: name fewer columns, or cut the file")
        return None
    reader, num_read = _TableReader(scan, chosen), 0
    try:
        for chunk in _chunks(source, scan, chosen):
            num_read += len(chunk)
            if num_read <= scan.num_rows:
                reader.add(chunk)
    except (*READ_FAULTS, zlib.error) as error:
        scan.add(0, "error", "file-unreadable", f"the file can't be read ({str(error)[:200]})")
        return None
    if num_read != scan.num_rows:
        # Another would leave numbers where nothing was read.
        reason = f"{num_read} rows were read from {scan.num_rows} lines: was it written to meanwhile?"
        scan.add(0, "error", "file-unreadable", reason)
        return None
    table = reader.finish(time_zone)
    table.findings = _cell_findings(source, scan, chosen, reader.faults) + table.findings
    return table


def _cell_findings(source: TableSource, scan: Scan, chosen: Chosen, faults: CellFaults) -> list[Finding]:
    """Faults of cells; where numbers are written in another way, all cells of the file say in which."""
    cells, grouped = faults.first(OTHER_NOTATION), _grouped(scan, chosen)
    if not cells and not grouped:
        return faults.findings()
    texts = [name for name in (chosen.time, chosen.of_day, chosen.group, chosen.label) if name]
    found = survey(source, scan.header_line + scan.offset, ",", MISSING, texts)
    said = remedies(source, found, grouped | cells)
    silent = [name for name in grouped if name not in cells and (way := found.notations.get(name)) and way.thousands]
    alone = [Finding(scan.name, scan.header_line, "error", OTHER_NOTATION, said[name]) for name in silent]
    return [*faults.findings(said), *alone]


def _grouped(scan: Scan, chosen: Chosen) -> dict[str, str]:
    """Columns in which points seem to stand between thousands, and a cell of each."""
    found = {}
    for name in chosen.values:
        place, column = scan.header.index(name), ColumnNotation()
        for cells in scan.sample:
            if len(cells) > place and (cell := cells[place].strip()) not in MISSING:
                column.add(cell)
        possible = column.possible(",")
        if column.first is not None and len(possible) == 1 and possible[0].thousands == ".":
            found[name] = column.first
    return found


def _memory() -> float:
    """Bytes that the computer has, in use or not."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return float("inf")


def _chunks(source: TableSource, scan: Scan, chosen: Chosen) -> Iterator[pandas.DataFrame]:
    import pandas

    texts = {name: str for name in (chosen.time, chosen.of_day, chosen.group, chosen.label) if name}
    missing = {name: [""] if name in texts else MISSING for name in chosen.names}
    with open_at_rows(source, scan) as stream:
        yield from pandas.read_csv(
            stream,
            header=None,
            names=_names(scan.header),
            usecols=chosen.names,
            index_col=False,
            dtype=texts,
            na_values=missing,
            keep_default_na=False,
            skipinitialspace=True,
            # From pandas 3.1 on the default is exact, and naming another is advised against.
            float_precision=None if pandas.__version__ >= "3.1" else "round_trip",
            encoding="utf-8",
            chunksize=max(min(ROWS_AT_ONCE, CELLS_AT_ONCE // len(scan.header)), 1),
            low_memory=False,
        )


def _names(header: tuple[str, ...]) -> list[str]:
    """Columns without a name get one that no file has."""
    return [name or f"\n{place}" for place, name in enumerate(header)]


class _TableReader:
    """Fills the arrays."""

    def __init__(self, scan: Scan, chosen: Chosen) -> None:
        self.scan, self.chosen = scan, chosen
        is_datetime = chosen.time_format is not None and chosen.time_format.is_datetime
        values = np.empty((scan.num_rows, len(chosen.values)))
        times = np.arange(scan.num_rows) if chosen.time is None else np.zeros(scan.num_rows, np.int64)
        self.table = Table(values, times, is_datetime, np.zeros(scan.num_rows, np.int32))
        self.faults = CellFaults(scan.name)
        self.row = 0
        self._numbers: dict[str, int] = {}
        self._static: dict[int, np.ndarray] = {}

    def add(self, chunk: pandas.DataFrame) -> None:
        """The next rows."""
        here = slice(self.row, self.row + len(chunk))
        lines = self.scan.lines(np.arange(here.start, here.stop))
        table, chosen = self.table, self.chosen
        for place, name in enumerate(chosen.values):
            table.values[here, place] = self._floats(chunk[name], lines)
        if chosen.time is not None and chosen.time_format is not None:
            cells = chunk[chosen.time]
            if chosen.of_day is not None:
                cells = joined(cells.str.strip(), chunk[chosen.of_day].str.strip().str.replace(".", ":", regex=False))
            table.times[here] = self._times(cells, lines)
        if chosen.group is not None:
            table.codes[here] = self._codes(chunk[chosen.group], lines)
        if chosen.static:
            self._add_static(np.stack([self._floats(chunk[name], lines) for name in chosen.static], 1), here)
        if chosen.label is not None:
            self._add_labels(chunk[chosen.label], here, lines)
        self.row = here.stop

    def finish(self, time_zone: str | None) -> Table:
        """The table, in UTC where a zone is given."""
        table = self.table
        table.groups = list(self._numbers)
        if self._static:
            table.static = np.stack([self._static[code] for code in sorted(self._static)], 1)
        written = self.chosen.time_format
        if time_zone and table.is_datetime and written and not written.has_offset and (table.times % DAY).any():
            # Dates without a time of day are the same everywhere; to move them would make them uneven.
            table.times, never = to_utc(table.times, time_zone, table.codes)
            rows = np.flatnonzero(never)
            self.faults.add("dst-missing-hour", self.chosen.time or "", self.scan.lines(rows), [time_zone] * len(rows))
        table.faulty = self.faults.columns
        if len(table.groups) > max(MANY_GROUPS, len(table.times) // 2):
            reason = f"column {self.chosen.group}: {len(table.groups)} ids in {len(table.times)} rows are no groups"
            finding = Finding(self.scan.name, self.scan.header_line, "error", "groups-of-one-row", f"{reason}: name "
                              "the column of ids in dataset.columns.group, or leave it out")  # fmt: skip
            table.findings.append(finding)
        return table

    def _floats(self, cells: pandas.Series, lines: np.ndarray) -> np.ndarray:
        """Numbers (T,) of a column, NaN where they are missing."""
        return without_marks(self._numbers_of(cells, lines), self.chosen.marks.get(str(cells.name), ()))

    def _numbers_of(self, cells: pandas.Series, lines: np.ndarray) -> np.ndarray:
        if cells.dtype.kind in "fiub":
            return cells.to_numpy(np.float64)
        numbers = as_numbers(cells).to_numpy(np.float64, na_value=np.nan)
        bad = np.flatnonzero(np.isnan(numbers) & cells.notna().to_numpy(bool))
        texts = cells.iloc[bad].astype(str)
        other = np.fromiter(map(is_numeric, texts), bool, len(bad))
        self.faults.add(OTHER_NOTATION, str(cells.name), lines[bad[other]], texts[other])
        self.faults.add("not-a-number", str(cells.name), lines[bad[~other]], texts[~other])
        return numbers

    def _times(self, cells: pandas.Series, lines: np.ndarray) -> np.ndarray:
        assert self.chosen.time_format is not None
        times, bad, odd = parse_times(cells, self.chosen.time_format)
        if bad.any():
            empty = bad & (cells.isna() | (cells.str.strip() == "")).to_numpy(bool)
            self.faults.add("time-missing", str(cells.name), lines[empty], cells[empty])
            bad &= ~empty
            self.faults.add("time-unparseable", str(cells.name), lines[bad], cells[bad])
        self.faults.add("time-zones-mixed", str(cells.name), lines[odd], cells[odd])
        return times

    def _codes(self, cells: pandas.Series, lines: np.ndarray) -> np.ndarray:
        import pandas

        bad = cells.isna().to_numpy(bool)
        self.faults.add("group-missing", str(cells.name), lines[bad], cells[bad])
        places, found = pandas.factorize(cells.fillna("").str.strip(), sort=False)
        numbers = [self._numbers.setdefault(str(name), len(self._numbers)) for name in found]
        return np.asarray(numbers, np.int32)[places]

    def _add_static(self, values: np.ndarray, here: slice) -> None:
        codes = self.table.codes[here]
        for code in np.unique(codes).tolist():
            rows = values[codes == code]
            known = self._static.get(code)
            low, high = (rows.min(0), rows.max(0)) if known is None else (
                np.minimum(known[0], rows.min(0)), np.maximum(known[1], rows.max(0)))  # fmt: skip
            self._static[code] = np.stack([low, high])

    def _add_labels(self, cells: pandas.Series, here: slice, lines: np.ndarray) -> None:
        import pandas

        bad = cells.isna().to_numpy(bool)
        self.faults.add("label-missing", str(cells.name), lines[bad], cells[bad])
        pairs = pandas.DataFrame({"code": self.table.codes[here], "label": cells.to_numpy(), "line": lines})[~bad]
        changed: list[tuple[int, Any]] = []
        for code, label, line in pairs.drop_duplicates(["code", "label"]).itertuples(index=False):
            text = str(label).strip()
            if self.table.labels.setdefault(int(code), text) != text:
                changed.append((int(line), text))
        self.faults.add("label-changes", str(cells.name), [line for line, _ in changed], [text for _, text in changed])
