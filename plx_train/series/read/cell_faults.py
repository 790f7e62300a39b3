"""Faults of cells, counted by column while a file is read: a few places each, and how many more there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from plx_train.contract.check import Finding
from plx_train.series.read.scan import mending

SHOWN = 3
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?\s*")
REASONS = {
    "not-a-number": "column {column}: {text!r} is not a number; leave the cell empty where a value is missing",
    "time-missing": "column {column}: the row has no time",
    "time-unparseable": "column {column}: {text!r} is no time like the others",
    "time-zones-mixed": "column {column}: {text!r} differs from the others, of which some name their distance from UTC "
    "and some don't; write all in UTC",
    "dst-missing-hour": "column {column}: the clocks of {text} skip this hour when daylight saving begins; is "
    "dataset.time_zone right?",
    "group-missing": "column {column}: the row names no group",
    "label-missing": "column {column}: the row names no class",
    "label-changes": "column {column}: the class changes to {text!r} within a series",
}


class CellFaults:
    """Collects faults of a file.

    Args:
        name: the file's, for findings.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._counts: dict[tuple[str, str], int] = {}
        self._first: dict[tuple[str, str], list[tuple[int, str]]] = {}

    def add(self, code: str, column: str, lines: Sequence[int] | np.ndarray, texts: Iterable[object]) -> None:
        """Faults of a kind in a column, in ascending order of lines."""
        if len(lines) == 0:
            return
        key = (code, column)
        shown = [(int(line), str(text)[:40]) for line, text in zip(lines[:SHOWN], texts, strict=False)]
        self._counts[key] = self._counts.get(key, 0) + len(lines)
        self._first[key] = [*self._first.get(key, []), *shown][:SHOWN]

    @property
    def columns(self) -> set[str]:
        """Columns with a fault."""
        return {column for _, column in self._counts}

    def findings(self) -> list[Finding]:
        """One per kind and column."""
        return [self._finding(code, column) for code, column in self._counts]

    def _finding(self, code: str, column: str) -> Finding:
        places, count = self._first[code, column], self._counts[code, column]
        line, text = places[0]
        reason = REASONS[code].format(column=column, text=text)
        if code == "not-a-number" and THOUSANDS.fullmatch(text):
            mend = mending(self.name, "thousands=','")
            code, reason = "decimal-comma", f"column {column}: {text!r} has a comma; if it marks thousands, {mend}"
        elif code == "not-a-number" and DECIMAL_COMMA.fullmatch(text):
            mend = mending(self.name, "decimal=','")
            code, reason = "decimal-comma", f"column {column}: {text!r} has a decimal comma; {mend}"
        if count > 1:
            more = ", …" if count > len(places) else ""
            reason += f" ({count} such rows: lines {', '.join(str(line) for line, _ in places)}{more})"
        return Finding(self.name, line, "error", code, reason)
