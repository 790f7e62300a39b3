"""What a room made of data that hold no validation split."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, overload

from plx_train.contract.check import Finding

Place = tuple[str, int]
"""A file and a line of it."""


class LineRuns(Sequence[Place]):
    """Lines of a file, stretch by stretch: where they are millions, their numbers would fill the memory.

    Args:
        file: that the lines were read from.
        runs: the first line of each stretch, and how many follow one another.
    """

    def __init__(self, file: str, runs: Iterable[tuple[int, int]]) -> None:
        self.file = file
        self.runs = tuple((first, count) for first, count in runs if count)
        self._ends = tuple(accumulate(count for _, count in self.runs))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, place: int) -> Place: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Place]: ...
    def __getitem__(self, place: int | slice) -> Place | Sequence[Place]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(f"line {place} of {len(self)}")
        place %= len(self)
        run = bisect_right(self._ends, place)
        first, count = self.runs[run]
        return self.file, first + count - (self._ends[run] - place)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"file": self.file, "runs": self.runs}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> LineRuns:
        """The lines that `to_json` wrote."""
        return cls(values["file"], ((int(first), int(count)) for first, count in values["runs"]))


@dataclass(frozen=True)
class Divided:
    """Files that a room divided its data into.

    Attributes:
        format: that the data were read in.
        division: how much each split has and what divided it, in words.
        files: names of the files that were written, by split; none where the data could not be divided.
        origins: what each line of a file was read from, by its name.
        findings: what is wrong, or odd, with the division.
        train: name of the file that was to be divided.
    """

    format: str
    division: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, LineRuns] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    train: str = ""
