"""A series: rows in time, one column per quantity."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Series:
    """Rows of one quantity or several, in ascending order of time.

    Attributes:
        name: the file, with the group where there are groups: ``train.csv``, ``train.csv:store_3``.
        where: file and line of its first row, ``train.csv:2``.
        times: int64 (T,); nanoseconds since 1970 (UTC) of datetimes, else the integers of the index. Times of no
            known zone are taken as they are written.
        is_datetime: whether `times` are datetimes.
        columns: names of the columns, C of them.
        values: float64 (T, C), NaN where missing.
        static: name and value of what doesn't change in time.
        label: its class, for classification.
        group: the group's id; None where the file has no groups.
    """

    name: str
    where: str
    times: np.ndarray
    is_datetime: bool
    columns: tuple[str, ...]
    values: np.ndarray
    static: tuple[tuple[str, float], ...] = ()
    label: str | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.times), len(self.columns)):
            raise ValueError(f"{self.name}: values {self.values.shape} of {len(self.times)} x {len(self.columns)}")

    def __len__(self) -> int:
        return len(self.times)

    def column(self, name: str) -> np.ndarray:
        """A column's values (T,), a view."""
        return self.values[:, self.columns.index(name)]

    def select(self, names: Sequence[str]) -> np.ndarray:
        """The values (T, len(names)) of these columns; a view where they stand side by side in this order."""
        places = [self.columns.index(name) for name in names]
        if places and places == list(range(places[0], places[0] + len(places))):
            return self.values[:, places[0] : places[0] + len(places)]
        return self.values[:, places]

    def rows(self, start: int, stop: int | None = None) -> Series:
        """The series from row `start` until before row `stop`; its arrays are views."""
        return replace(self, times=self.times[start:stop], values=self.values[start:stop])


def waves(rows: int, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """Made-up values float64 (rows, C) of these means and sizes, each column of another period."""
    periods = 5.0 + 2.0 * np.arange(len(mean))
    return np.asarray(mean) + np.asarray(std) * np.sin(2 * np.pi * np.arange(rows)[:, None] / periods)


def time_text(time: int | np.integer, is_datetime: bool = True) -> str:
    """A time as people write it: ``2020-01-31``, ``2020-01-31 06:30``, ``17``; no more digits than it needs."""
    if not is_datetime:
        return str(int(time))
    text = str(np.datetime64(int(time), "ns")).replace("T", " ").rstrip("0").rstrip(".")
    return text.removesuffix(" 00:00:00") if text.endswith(" 00:00:00") else re.sub(r"(?<=:\d\d):00$", "", text)


def time_texts(times: np.ndarray, is_datetime: bool = True) -> list[str]:
    """Times of a table, all written alike: ``2020-01-31``, or ``2020-01-31 06:30:00`` where one has an hour."""
    if not is_datetime:
        return [str(time) for time in times.tolist()]
    instants = times.astype("datetime64[ns]")
    coarser = (instants.astype(f"datetime64[{unit}]") for unit in ("D", "s", "ms", "us", "ns"))
    shown = next(one for one in coarser if (one == instants).all())
    return [str(text).replace("T", " ") for text in np.datetime_as_string(shown)]
