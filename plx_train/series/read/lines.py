"""Lines of a CSV as blocks of bytes: which hold text, how many cells they have, what can't be read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from plx_train.ground.spread import spread

BLOCK = 1 << 20
MAX_LINE = 1 << 22
"""Bytes of a line: some ten thousand columns. A compressed file of one endless line would fill the memory."""
LINES_SAMPLED = 32
"""Lines of each block, evenly spread, by which kinds of columns are told."""
MAX_SAMPLE = 1 << 10
MAX_SAMPLE_LENGTH = 1 << 20
"""Lines and characters of the sample; of more, every other line is kept."""
NEWLINE, RETURN, SPACE, TAB, QUOTE, COMMA = b'\n\r \t",'


def blocks_of_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of the file in pieces that end with a line's end.

    Raises:
        ValueError: a line is longer than any table's.
    """
    rest = b""
    while block := stream.read(BLOCK):
        data = rest + block
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
        rest = data[cut:]
        if len(rest) > MAX_LINE:
            raise ValueError(f"a line is longer than {MAX_LINE:,} bytes: is it a table?")
    if rest:
        yield rest + b"\n"


def fault_of_bytes(block: bytes) -> tuple[int, str, str] | None:
    """How many lines come before the first that can't be read, code and reason."""
    bad = _undecodable(block)
    if bad is not None:
        return bad, "not-utf8", "the line is not UTF-8: save the file in that encoding"
    place = block.find(b"\r")
    if place >= 0 and block.count(b"\r") != block.count(b"\r\n"):
        lone = re.search(rb"\r(?!\n)", block)
        assert lone is not None
        return block.count(b"\n", 0, lone.start()), "line-ends", "a line ends with CR alone (old Mac): save it with LF"
    return None


def _undecodable(block: bytes) -> int | None:
    """How many lines of the block come before the first that is not UTF-8."""
    if block.isascii():
        return None
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        return block.count(b"\n", 0, error.start)
    return None


class Lines:
    """Lines of a block, which ends with a line's end."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self._data = np.frombuffer(block, np.uint8)
        self._starts = np.concatenate([[0], np.flatnonzero(self._data == NEWLINE)[:-1] + 1])

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, row: int) -> str:
        start = int(self._starts[row])
        return self.block[start : self.block.index(b"\n", start)].decode("utf-8").rstrip("\r")

    def have_text(self) -> np.ndarray:
        """Lines of more than spaces and tabs, bool (N,): others are no rows, to pandas as well."""
        data = self._data
        is_text = (data > SPACE) | ((data != SPACE) & (data != TAB) & (data != RETURN) & (data != NEWLINE))
        return np.logical_or.reduceat(is_text, self._starts)

    def have_cells(self, count: int) -> np.ndarray:
        """Lines of so many cells, bool (N,); False where quotation marks ask for a closer look."""
        have = np.add.reduceat(self._data == COMMA, self._starts, dtype=np.int32) + 1 == count
        if b'"' in self.block:
            have &= ~np.logical_or.reduceat(self._data == QUOTE, self._starts)
        return have


class LineSample:
    """Some lines from all over the file."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.length = 0

    def add(self, lines: Lines, rows: np.ndarray) -> None:
        """Some of the lines of these numbers, int (N,)."""
        places = spread(len(rows), LINES_SAMPLED)
        self.lines += [lines[row] for row in rows[places].tolist()]
        self.length = sum(map(len, self.lines))
        while len(self.lines) > MAX_SAMPLE or (self.length > MAX_SAMPLE_LENGTH and len(self.lines) > 2):
            self.lines = self.lines[::2]
            self.length = sum(map(len, self.lines))


def cells_of(line: str, separator: str = ",") -> list[str] | None:
    """The line's cells; None where a quotation mark stays open."""
    # An open mark takes the next line in.
    reader = csv.reader([line, ""], delimiter=separator, skipinitialspace=True)
    try:
        cells = next(reader)
    except csv.Error:
        return None
    return cells if reader.line_num == 1 else None
