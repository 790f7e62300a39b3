"""Lines at a table's beginning: what stands before the header, units below it, and marks at the ends of lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from plx_train.series.read.notation import is_numeric
from plx_train.series.read.times import is_date

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
ANNOUNCED = re.compile(rb'"?sep=.?"?', re.IGNORECASE)
"""Excel's first line, which names what separates cells."""
MAX_UNIT = 24
"""Characters of a unit."""


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


def is_commented_header(comment: Sequence[str] | None, below: Sequence[str] | None) -> bool:
    """Whether the last comment names the columns of the line below it, as numpy writes headers."""
    if not comment or not below or len(comment) != len(below) or len(comment) < 2:
        return False
    return is_header(comment) and not is_header(below)


def is_units_row(cells: Sequence[str] | None, below: Sequence[str] | None, width: int) -> bool:
    """Whether the line under the header names units of the numbers in the line below it."""
    if cells is None or below is None or len(cells) != width or len(below) != width:
        return False
    stripped = [cell.strip() for cell in cells]
    if any(is_numeric(cell) or is_date(cell) or len(cell) > MAX_UNIT for cell in stripped):
        return False
    units = [place for place, cell in enumerate(stripped) if cell and is_numeric(below[place])]
    numbers = [place for place, cell in enumerate(below) if is_numeric(cell)]
    return bool(units) and 2 * len(units) >= len(numbers)


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
