"""Lines at a table's beginning: what stands before the header, units below it, and marks at the ends of lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from plx_train.series.read.marks import MISSING
from plx_train.series.read.notation import is_numeric, is_value
from plx_train.series.read.times import is_date

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
ANNOUNCED = re.compile(rb'"?sep=.?"?', re.IGNORECASE)
"""Excel's first line, which names what separates cells."""
MAX_UNIT = 24
"""Characters of a unit."""
IS_UNIT = re.compile(r"[^\W\d_]|[%\u00b0$\u20ac\u00a3\u00a5]")
"""What a unit holds at least: a letter, or a sign such as that of per cent."""
NO_UNIT = ("", "-", "--")
FORMAT = re.compile(r"(?:%?[ymdhsftz]|[-:/., ])+", re.IGNORECASE)
"""How texts below are written, as ``YYYY-MM-DD hh:mm`` names it."""


def is_announcement(line: bytes) -> bool:
    """Whether a line only says what separates the cells."""
    return ANNOUNCED.fullmatch(line.rstrip(b"\r\n").rstrip(b",;")) is not None


def is_comment(line: bytes) -> bool:
    """Whether a line is one that writers of measurements put before the header."""
    return line.lstrip().startswith(b"#")


def separator_of(header: str, below: str | None) -> str | None:
    """What separates the cells, where it is no comma.

    Args:
        below: the line after the header; None where there is none.
    """
    counts = {mark: _count(header, mark) for mark in (",", *SEPARATORS)}
    mark = max(SEPARATORS, key=lambda one: counts[one])
    if counts[mark] < 2:
        return None
    alike = below is not None and _count(below, mark) in (counts[mark], counts[mark] + 1)
    return mark if counts[","] == 1 or (alike and _count(below or "", ",") != counts[","]) else None


def is_header(cells: Sequence[str]) -> bool:
    """Whether cells are names: not all of them are numbers and times."""
    return not all(is_numeric(cell) or is_date(cell) for cell in cells)


def is_commented_header(rows: Sequence[Sequence[str] | None]) -> bool:
    """Whether the last comment names the columns of the line below it, as numpy writes headers.

    Args:
        rows: cells of the comment and of the two lines below it.
    """
    comment, first, second = rows
    if not comment or not first or len(comment) != len(first) or len(comment) < 2 or not is_header(comment):
        return False
    if not any(map(_is_datum, first)):
        return False
    # Names may be numbers, as years are: what stands in a column of numbers and is none is a name.
    return not any(
        cell.strip() not in MISSING and not _is_datum(cell) and _is_datum(other)
        for cell, other in zip(first, second or (), strict=False)
    )


def _is_datum(cell: str) -> bool:
    return is_value(cell.strip()) or is_date(cell)


def is_units_row(cells: Sequence[str] | None, below: Sequence[str] | None, width: int) -> bool:
    """Whether the line under the header names units of the numbers in the line below it.

    A row whose values are missing is none: what is no number in it is a text in the next row, too.
    """
    if cells is None or below is None or len(cells) != width or len(below) != width:
        return False
    pairs = [(cell.strip(), other.strip()) for cell, other in zip(cells, below, strict=True)]
    if not all(_may_name(*pair) for pair in pairs):
        return False
    units = [cell for cell, other in pairs if is_numeric(other) and IS_UNIT.search(cell)]
    return bool(units) and 2 * len(units) >= sum(is_numeric(other) for _, other in pairs)


def _may_name(cell: str, below: str) -> bool:
    """Whether a cell may say in what the one below it is measured, or written."""
    if cell in NO_UNIT:
        return True
    if cell in MISSING or is_value(cell) or is_date(cell) or len(cell) > MAX_UNIT:
        return False
    return below in MISSING or is_value(below) or is_date(below) or FORMAT.fullmatch(cell) is not None


def fitted(header: tuple[str, ...], below: Sequence[str] | None) -> tuple[str, ...]:
    """The header for rows that end with a separator where it does not, or the other way round."""
    if below is None:
        return header
    if len(below) == len(header) + 1 and not below[-1].strip():
        return (*header, "")
    if len(header) == len(below) + 1 and not header[-1]:
        return header[:-1]
    return header


def _count(line: str, mark: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=mark, skipinitialspace=True), []))
    except csv.Error:
        return 0
