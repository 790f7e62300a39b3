"""A first pass over a CSV's bytes: header, number of rows, and lines that are no rows; values are not looked at."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from plx_train.contract.check import Finding, Level
from plx_train.data.label_file import BYTE_ORDER_MARK
from plx_train.data.odd_characters import character_findings
from plx_train.series.read.header import (
    SEPARATORS,
    fitted,
    is_announcement,
    is_comment,
    is_commented_header,
    is_header,
    is_units_row,
    separator_of,
)
from plx_train.series.read.lines import MAX_LINE, Lines, LineSample, blocks_of_lines, cells_of, fault_of_bytes
from plx_train.series.read.source import READ_FAULTS, TableSource

MAX_BLANKS = 1 << 20
SHOWN = 3
MAX_HEAD = 500
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass
class Scan:
    """What the first pass found.

    Attributes:
        header: the columns' names.
        header_line: its line, from 1; what follows a header that the file lacks counts from 1 as well.
        top: the last line before the rows: that of the header, or of units below it.
        offset: lines that the file lacks of the table that is read.
        separator: between its cells, where it is no comma; then nothing below the header was looked at.
        num_rows: lines after it that are not blank.
        blanks: int64, numbers of blank lines after it, ascending.
        sample: rows from all over the file, split into cells.
        head, last: the first rows, one after the other, and the last one, as they stand.
        findings: faults of lines.
    """

    name: str
    header: tuple[str, ...] = ()
    header_line: int = 0
    top: int = 0
    offset: int = 0
    separator: str | None = None
    num_rows: int = 0
    blanks: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    sample: list[list[str]] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    last: str | None = None
    findings: list[Finding] = field(default_factory=list)

    def add(self, line: int, level: Level, code: str, reason: str) -> None:
        self.findings.append(Finding(self.name, line, level, code, reason))

    @property
    def ok(self) -> bool:
        """Whether the file can be read on."""
        return self.separator is None and not any(finding.level == "error" for finding in self.findings)

    def lines(self, rows: np.ndarray) -> np.ndarray:
        """The lines, from 1, of rows int64 (N,), counted from 0 after the header."""
        lines = self.top + 1 + rows
        return lines + np.searchsorted(self.blanks - np.arange(len(self.blanks)), lines, side="right")


def open_at_rows(source: TableSource, scan: Scan) -> BinaryIO:
    """The file's bytes after the header, and after the units that may stand below it."""
    stream = source.open()
    for _ in range(scan.top + scan.offset):
        stream.readline()
    return stream


def scan_lines(source: TableSource) -> Scan:
    """Looks at every line of a file; nothing wrong is raised."""
    scan = _scanned(source, with_rows=True)
    if scan.ok and scan.num_rows == 0:
        scan.add(0, "error", "file-empty", "the file holds no row below its header")
    return scan


def scan_header(source: TableSource) -> Scan:
    """Looks at the header alone."""
    return _scanned(source, with_rows=False)


def _scanned(source: TableSource, with_rows: bool) -> Scan:
    scan = Scan(source.name, header_line=-source.offset, offset=source.offset)
    try:
        with source.open() as stream:
            _read_header(stream, scan)
        if scan.ok and with_rows:
            with open_at_rows(source, scan) as stream:
                _read_rows(stream, scan)
    except (*READ_FAULTS, zlib.error) as error:
        scan.add(0, "error", "file-unreadable", f"the file can't be read ({error or type(error).__name__})")
    return scan


def _read_header(stream: BinaryIO, scan: Scan) -> None:
    comments: list[tuple[int, bytes]] = []
    line = _header_line(stream, scan, comments)
    if line is None:
        return
    text = _decoded(line, scan)
    if text is None:
        return
    below = [_next_text(stream), _next_text(stream)]
    separator = separator_of(text, below[0])
    if comments:
        text, below, separator = _header_of_comments(text, below, comments, scan)
    cells = cells_of(text)
    if cells is None:
        scan.add(scan.header_line, "error", "quote-open", "a quotation mark of the header is not closed in its line")
        return
    scan.header, scan.separator = tuple(name.strip() for name in cells), separator
    scan.top = scan.header_line
    if separator is None:
        written = [(scan.header_line, name.strip(" ")) for name in cells]
        scan.findings += character_findings(scan.name, written, "names of columns")
        _check_header(scan)
        _fit_rows(scan, [None if one is None else cells_of(one) for one in below])


def _decoded(line: bytes, scan: Scan) -> str | None:
    """The header's text; None, and a finding, where it is none."""
    try:
        text = line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        scan.add(scan.header_line, "error", "not-utf8", "the header is not UTF-8: save the file in that encoding")
        return None
    if "\r" in text:
        scan.add(scan.header_line, "error", "line-ends", "lines end with CR alone (old Mac): save them with LF")
        return None
    return text


def _header_line(stream: BinaryIO, scan: Scan, comments: list[tuple[int, bytes]]) -> bytes | None:
    """The first line that is neither blank nor a comment; None, and a finding, where there is none."""
    first = 1 - scan.offset
    while line := stream.readline(MAX_LINE + 1):
        scan.header_line += 1
        if scan.header_line == first and line.startswith(UTF16):
            scan.add(1, "error", "not-utf8", "the file is UTF-16, as Excel's Unicode text: save it as CSV in UTF-8")
            return None
        if scan.header_line == first and line.startswith(BYTE_ORDER_MARK):
            scan.add(1, "warning", "byte-order-mark", "the file begins with a UTF-8 byte order mark, which is skipped")
            line = line.removeprefix(BYTE_ORDER_MARK)
        if len(line) > MAX_LINE or scan.header_line > MAX_BLANKS:
            reason = f"the header is longer than {MAX_LINE:,} bytes, or far down: is it a table?"
            scan.add(scan.header_line, "error", "no-header", reason)
            return None
        if scan.offset and line.strip():  # the header of a format that has no lines above it
            return line
        if is_announcement(line):
            reason = "the line that says what separates cells, which Excel alone understands, is skipped"
            scan.add(scan.header_line, "warning", "lines-before-header", reason)
        elif is_comment(line):
            comments.append((scan.header_line, line))
        elif line.strip():
            return line
    scan.add(0, "error", "file-empty", "the file is empty")
    return None


def _next_text(stream: BinaryIO) -> str | None:
    """The next line, as well as it can be read; None where it is blank."""
    line = stream.readline(MAX_LINE + 1)
    return line.decode("utf-8", "replace").rstrip("\r\n") if line.strip() else None


def _header_of_comments(
    text: str, below: list[str | None], comments: list[tuple[int, bytes]], scan: Scan
) -> tuple[str, list[str | None], str | None]:
    """The header, the two lines below it, and what separates cells: the last comment may be the header."""
    separator = separator_of(text, below[0])
    number, line = comments[-1]
    named = line.decode("utf-8", "replace").strip()
    # A mark of comments that stands alone in its cell is a name.
    stripped = named.lstrip("#").strip()
    named = named if stripped.startswith((",", *SEPARATORS)) else stripped
    for mark in dict.fromkeys((separator, separator_of(named, text))):
        rows = [cells_of(one, mark or ",") if one is not None else None for one in (named, text, below[0])]
        if is_commented_header(rows):
            scan.header_line = number
            text, below, separator = named, [text, below[0]], mark
            comments = comments[:-1]
            break
    if comments and separator is None:
        count = f"{len(comments)} lines that begin with # are skipped" if len(comments) > 1 else "a comment is skipped"
        scan.add(comments[0][0], "warning", "lines-before-header", count)
    return text, below, separator


def _fit_rows(scan: Scan, below: list[list[str] | None]) -> None:
    """Looks at the first two lines below the header: units are skipped, separators at ends of lines are taken."""
    first, second = below
    scan.header = fitted(scan.header, second if is_units_row(first, second, len(scan.header)) else first)
    if first is not None and is_units_row(first, second, len(scan.header)):
        units = ", ".join(cell.strip() for cell in first if cell.strip())
        scan.top += 1
        scan.add(scan.top, "warning", "units-row", f"the line names units ({units[:60]}) and is skipped")


def _check_header(scan: Scan) -> None:
    for name, count in Counter(scan.header).items():
        if name and count > 1:
            reason = f"the header names the column {name!r} {count} times"
            scan.add(scan.header_line, "error", "column-twice", reason)
    if not is_header(scan.header):
        reason = "the first line holds numbers alone: write the columns' names above it"
        scan.add(scan.header_line, "error", "no-header", reason)


def _read_rows(stream: BinaryIO, scan: Scan) -> None:
    line, ragged = scan.top + 1, _Ragged(scan)
    blanks: list[np.ndarray] = []
    num_blank, sample = 0, LineSample()
    for block in blocks_of_lines(stream):
        fault = fault_of_bytes(block)
        if fault is not None:
            scan.add(line + fault[0], "error", fault[1], fault[2])
            return
        lines = Lines(block)
        is_row = lines.have_text()
        for row in np.flatnonzero(is_row & ~lines.have_cells(len(scan.header))).tolist():
            ragged.look_at(line + row, lines[row])
        rows = np.flatnonzero(is_row)
        sample.add(lines, rows)
        scan.head += [lines[row] for row in rows[: max(MAX_HEAD - len(scan.head), 0)].tolist()]
        scan.last = lines[int(rows[-1])] if len(rows) else scan.last
        blanks.append(np.flatnonzero(~is_row) + line)
        num_blank += len(blanks[-1])
        if num_blank > MAX_BLANKS:
            scan.add(int(blanks[0][0]), "error", "blank-line", f"more than {MAX_BLANKS:,} lines are blank")
            return
        scan.num_rows += len(rows)
        line += len(lines)
    scan.sample = [cells for cells in map(cells_of, sample.lines) if cells is not None]
    scan.blanks = np.concatenate(blanks) if blanks else scan.blanks
    ragged.tell_count()
    if num_blank:
        first = int(scan.blanks[0])
        shown = f"the line is blank, and {num_blank - 1} more are" if num_blank > 1 else "the line is blank"
        scan.add(first, "warning", "blank-line", shown)


class _Ragged:
    """Tells of the first few lines that aren't rows, and how many there are."""

    def __init__(self, scan: Scan) -> None:
        self.scan, self.count = scan, 0

    def look_at(self, line: int, text: str) -> None:
        cells = cells_of(text)
        if cells is not None and len(cells) == len(self.scan.header):
            return
        self.count += 1
        if self.count > SHOWN:
            return
        if cells is None:
            reason = "a quotation mark is not closed in its line: close it, or take it out"
            self.scan.add(line, "error", "quote-open", reason)
        else:
            reason = f"the line has {len(cells)} cells, the header {len(self.scan.header)}"
            self.scan.add(line, "error", "cells-in-line", reason)

    def tell_count(self) -> None:
        if self.count > SHOWN:
            reason = f"{self.count} lines have more or fewer cells than the header, or open quotation marks"
            self.scan.add(0, "error", "cells-in-line", reason)
