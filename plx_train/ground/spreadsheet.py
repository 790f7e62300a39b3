"""CSV files that people open in spreadsheets: no foreign word in them is a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from plx_train.ground.characters import legible

if TYPE_CHECKING:
    import pandas

BEGINNING = r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]"
"""What spreadsheets compute, full-width signs too."""
FORMULA = re.compile(BEGINNING)
NUMBER = re.compile(r"[+-]?(\d[\d.,]*([eE][+-]?\d+)?%?|\.\d+([eE][+-]?\d+)?|inf|nan)", re.IGNORECASE)
INNER = re.compile(f";(?={BEGINNING})")
"""A cell's end where the semicolon separates cells, as in many countries."""


def cell(value: Any) -> Any:
    """A cell: numbers as they are, other texts spelled out, behind an apostrophe where they would be a formula."""
    if not isinstance(value, str) or NUMBER.fullmatch(value.strip(" ")):
        return value
    text = INNER.sub(";'", legible(value))
    return f"'{text}" if FORMULA.match(text) else text


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV, headers first."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(cell, row) for row in rows)
    return text.getvalue()


def frame_csv_text(table: pandas.DataFrame) -> str:
    """A data frame as CSV with its index; the frame stays as it is."""
    shown = table.rename(columns=cell).rename_axis(index=cell)
    for place, kind in enumerate(table.dtypes):
        if kind.kind == "O":
            shown.isetitem(place, table.iloc[:, place].map(cell))
    if table.index.dtype.kind == "O" and table.index.nlevels == 1:
        shown.index = shown.index.map(cell)
    text: str = shown.to_csv()
    return text
