"""Faults of cells, counted by column while a file is read: a few places each, and how many more there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from plx_train.contract.check import Finding

SHOWN = 3
OTHER_NOTATION = "decimal-comma"
"""Code of cells that are numbers, but not written as such: with a comma, or with marks between thousands."""
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

    def findings(self, remedies: Mapping[str, str] | None = None) -> list[Finding]:
        """One per kind and column.

        Args:
            remedies: what is said of columns of which numbers are written in another way.
        """
        return [self._finding(code, column, remedies or {}) for code, column in self._counts]

    def first(self, code: str) -> dict[str, str]:
        """The first faulty cell of each column with such a fault."""
        return {column: places[0][1] for (found, column), places in self._first.items() if found == code}

    def _finding(self, code: str, column: str, remedies: Mapping[str, str]) -> Finding:
        places, count = self._first[code, column], self._counts[code, column]
        line, text = places[0]
        reason = remedies.get(column, "") if code == OTHER_NOTATION else REASONS[code].format(column=column, text=text)
        if count > 1:
            more = ", …" if count > len(places) else ""
            reason += f" ({count} such rows: lines {', '.join(str(line) for line, _ in places)}{more})"
        return Finding(self.name, line, "error", code, reason)
