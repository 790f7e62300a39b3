"""A first pass over a CSV's bytes: header, number of rows, and lines that are no rows; values are not looked at."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from plx_train.dataset_check import Finding, Level
from plx_train.label_lines import BYTE_ORDER_MARK
from plx_train.series.source import READ_FAULTS, Source

BLOCK = 1 << 20
LINES_SAMPLED = 32
"""Of each block, evenly spread, by which kinds of columns are told."""
SHOWN = 3
NEWLINE, COMMA, SPACE = 10, 44, 32
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass
class Scan:
    """What the first pass found.

    Attributes:
        header: the columns' names.
        header_line: its line, from 1.
        num_rows: lines after it that are not blank.
        blanks: int64, numbers of blank lines after it, ascending.
        sample: rows from all over the file, split into cells.
        findings: faults of lines.
    """

    name: str
    header: tuple[str, ...] = ()
    header_line: int = 0
    num_rows: int = 0
    blanks: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    sample: list[list[str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, line: int, level: Level, code: str, reason: str) -> None:
        self.findings.append(Finding(self.name, line, level, code, reason))

    @property
    def ok(self) -> bool:
        """Whether the file can be read on."""
        return not any(finding.level == "error" for finding in self.findings)

    def lines(self, rows: np.ndarray) -> np.ndarray:
        """The lines, from 1, of rows int64 (N,), counted from 0 after the header."""
        lines = self.header_line + 1 + rows
        return lines + np.searchsorted(self.blanks - np.arange(len(self.blanks)), lines, side="right")


def open_at_header(source: Source, scan: Scan) -> BinaryIO:
    """The file's bytes after the header line."""
    stream = source.open()
    for _ in range(scan.header_line):
        stream.readline()
    return stream


def scan_lines(source: Source) -> Scan:
    """Looks at every line of a file; nothing wrong is raised."""
    scan = Scan(source.name)
    try:
        with source.open() as stream:
            _read_header(stream, scan)
            if scan.ok:
                _read_rows(stream, scan)
    except (*READ_FAULTS, zlib.error) as error:
        scan.add(0, "error", "file-unreadable", f"the file can't be read ({error or type(error).__name__})")
    if scan.ok and scan.num_rows == 0:
        scan.add(0, "error", "file-empty", "the file holds no row below its header")
    return scan


def _read_header(stream: BinaryIO, scan: Scan) -> None:
    line = b""
    while not line.strip():
        line = stream.readline()
        scan.header_line += 1
        if not line:
            scan.add(0, "error", "file-empty", "the file is empty")
            return
        if scan.header_line == 1 and line.startswith(UTF16):
            scan.add(1, "error", "not-utf8", "the file is UTF-16, as Excel's Unicode text: save it as CSV in UTF-8")
            return
        if scan.header_line == 1 and line.startswith(BYTE_ORDER_MARK):
            scan.add(1, "warning", "byte-order-mark", "the file begins with a UTF-8 byte order mark, which is skipped")
            line = line.removeprefix(BYTE_ORDER_MARK)
    try:
        text = line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        scan.add(scan.header_line, "error", "not-utf8", "the header is not UTF-8: save the file in that encoding")
        return
    if "\r" in text:
        scan.add(scan.header_line, "error", "line-ends", "lines end with CR alone (old Mac): save them with LF")
        return
    scan.header = tuple(name.strip() for name in _cells(text))
    _check_header(text, scan)


def _check_header(text: str, scan: Scan) -> None:
    separator = next((mark for mark in (";", "\t") if mark in text), None)
    if len(scan.header) == 1 and separator:
        shown = "semicolons" if separator == ";" else "tabs"
        decimal = ", decimal=','" if separator == ";" else ""
        mend = f"sep={separator!r}{decimal}"
        reason = f"columns are separated by {shown}, not commas; {mending(scan.name, mend)}"
        scan.add(scan.header_line, "error", "separator", reason)
        return
    for name in dict.fromkeys(name for name in scan.header if name and scan.header.count(name) > 1):
        reason = f"the header names the column {name!r} {scan.header.count(name)} times"
        scan.add(scan.header_line, "error", "column-twice", reason)
    if all(_is_number(name) for name in scan.header):
        reason = "the first line holds numbers alone: write the columns' names above it"
        scan.add(scan.header_line, "error", "no-header", reason)


def mending(name: str, options: str) -> str:
    """The line that rewrites a file as it should be."""
    call = f"import pandas as p; p.read_csv('{name}', {options}).to_csv('{name}', index=False)"
    return f'this mends it: python -c "{call}"'


def _read_rows(stream: BinaryIO, scan: Scan) -> None:
    line, blanks, num_ragged = scan.header_line + 1, [], 0
    for block in _blocks(stream):
        bad = _undecodable(block)
        if bad is not None:
            reason = "the line is not UTF-8: save the file in that encoding"
            scan.add(line + bad, "error", "not-utf8", reason)
            return
        data = np.frombuffer(block, np.uint8)
        starts = np.concatenate([[0], np.flatnonzero(data == NEWLINE)[:-1] + 1])
        is_row = np.add.reduceat(data > SPACE, starts, dtype=np.int32) > 0
        commas = np.add.reduceat(data == COMMA, starts, dtype=np.int32)
        texts = _Lines(block, starts)
        for row in np.flatnonzero(is_row & (commas + 1 != len(scan.header))).tolist():
            cells = _cells(texts[row])
            if len(cells) == len(scan.header):
                continue
            num_ragged += 1
            if num_ragged <= SHOWN:
                reason = f"the line has {len(cells)} cells, the header {len(scan.header)}"
                scan.add(line + row, "error", "cells-in-line", reason)
        rows = np.flatnonzero(is_row)
        chosen = np.unique(np.linspace(0, len(rows) - 1, min(LINES_SAMPLED, len(rows))).round().astype(int))
        scan.sample += [_cells(texts[row]) for row in rows[chosen].tolist()]
        blanks.append(np.flatnonzero(~is_row) + line)
        scan.num_rows += len(rows)
        line += len(starts)
    scan.blanks = np.concatenate(blanks) if blanks else scan.blanks
    if num_ragged > SHOWN:
        scan.add(0, "error", "cells-in-line", f"{num_ragged} lines have more or fewer cells than the header")
    if len(scan.blanks):
        first = int(scan.blanks[0])
        scan.add(first, "warning", "blank-line", f"{len(scan.blanks)} lines are blank, the first is line {first}")


class _Lines:
    """Lines of a block by number."""

    def __init__(self, block: bytes, starts: np.ndarray) -> None:
        self.block, self.starts = block, starts

    def __getitem__(self, row: int) -> str:
        start = int(self.starts[row])
        return self.block[start : self.block.index(b"\n", start)].decode("utf-8").rstrip("\r")


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of the file in pieces that end with a line's end."""
    rest = b""
    while block := stream.read(BLOCK):
        data = rest + block
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
        rest = data[cut:]
    if rest:
        yield rest + b"\n"


def _undecodable(block: bytes) -> int | None:
    """How many lines of the block come before the first that is not UTF-8."""
    if block.isascii():
        return None
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        return block.count(b"\n", 0, error.start)
    return None


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error:
        return []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
