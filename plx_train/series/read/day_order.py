"""Whether the day or the month stands first in dates of digits: the reading by which times go steadily on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from plx_train.series.frequency import infer_frequency
from plx_train.series.grid import grid_positions
from plx_train.series.read.times import TimeFormat

CLEAR = 2.0
"""Times that one reading is steadier than the other before it is taken without a word."""
MAX_BACK = 0.05
"""Share of steps that may go back: rows need not be in order."""
IN_DOUBT = ("%m/%d", "%d/%m", "%m-%d", "%d-%m")
"""Beginnings of ways of writing of which day and month may be mistaken."""


@dataclass(frozen=True)
class TimeRows:
    """Times of a file as they stand.

    Attributes:
        written: as far as the file tells.
        head: of rows in a row, of one series.
        last: of the last row; None where the file holds several series.
        num_rows: of the file, or of the head where it holds several series.
    """

    written: TimeFormat
    head: Sequence[str]
    last: str | None
    num_rows: int


def in_doubt(written: TimeFormat) -> str | None:
    """The way of writing, where other files may be mistaken for another; else None."""
    return written.format if written.is_datetime and written.format.startswith(IN_DOUBT) else None


def settled(rows: TimeRows, others: Sequence[TimeRows], known: str | None = None) -> TimeFormat:
    """The way in which times are written, in all files of a dataset alike.

    Args:
        others: the dataset's other files.
        known: the way that a finished model learned.
    """
    written = rows.written
    if written.or_else is None:
        return written
    pair = sorted({written.format, written.or_else}, key=lambda pattern: not pattern.startswith("%m"))
    told = [known, *(other.written.format for other in others if other.written.or_else is None)]
    for pattern in told:
        if pattern in pair:
            return TimeFormat(True, str(pattern))
    files = [rows, *(other for other in others if {other.written.format, other.written.or_else} == set(pair))]
    scores = {pattern: sum(_steadiness(one, pattern) for one in files) for pattern in pair}
    best, other = sorted(pair, key=lambda pattern: -scores[pattern])
    if scores[best] > 0 and scores[best] >= CLEAR * scores[other]:
        return TimeFormat(True, best)
    if len(files) > 1:
        return TimeFormat(True, best, or_else=other)
    return written


def _steadiness(rows: TimeRows, pattern: str) -> float:
    """Share of the rows that a steady step asks for which are there, 0 to 1, by one way of reading."""
    read = [_parsed(text, pattern) for text in rows.head]
    head = [time for time in read if time is not None]
    back = sum(after < before for before, after in pairwise(head))
    if len(head) < 2 or back > MAX_BACK * len(head):
        return 0.0
    times = np.sort(np.asarray(head, np.int64))
    frequency = infer_frequency(times, True)
    if frequency is None:
        return 0.0
    last = _parsed(rows.last, pattern) if rows.last is not None else None
    count = rows.num_rows if last is not None else len(times)
    until = np.append(times, last) if last is not None and last >= times[-1] else times
    positions, on_grid = grid_positions(until, frequency)
    wanted = int(positions[-1]) + 1
    return float(on_grid.mean()) * min(count, wanted) / max(count, wanted)


def _parsed(text: str, pattern: str) -> int | None:
    try:
        return int(np.datetime64(datetime.strptime(text.strip(), pattern), "ns").astype(np.int64))
    except ValueError:
        return None
