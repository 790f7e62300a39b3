"""Rows on the grid of their frequency: where each stands, which are missing, and the times of rows to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plx_train.series.frequency import DAY, ROWS_AT_ONCE, Frequency, month_parts


@dataclass(frozen=True)
class Gaps:
    """What a series lacks of its grid.

    Attributes:
        num_missing: rows that are not there.
        num_gaps: places where one is missing at least.
        first: the row before the first gap; -1 where there is none.
        first_missing: rows missing there.
        num_off_grid: rows that stand beside the grid.
        first_off_grid: the first of them; -1 where there is none.
    """

    num_missing: int
    num_gaps: int
    first: int
    first_missing: int
    num_off_grid: int
    first_off_grid: int


def grid_positions(times: np.ndarray, frequency: Frequency) -> tuple[np.ndarray, np.ndarray]:
    """Steps from the first row to each, int64 (T,), and whether the row stands on the grid, bool (T,).

    Args:
        times: int64 (T,), ascending; the first row is on the grid, save that monthly ones keep to their day.
    """
    if len(times) == 0:
        return np.zeros(0, np.int64), np.zeros(0, bool)
    if frequency.months:
        months, day, length, of_day = month_parts(times)
        positions, rest = np.divmod(months - months[0], frequency.months)
        return positions, (rest == 0) & (day == np.minimum(frequency.day, length)) & (of_day == of_day[0])
    if frequency.is_business:
        instants = times.astype("datetime64[ns]")
        days = instants.astype("datetime64[D]")
        of_day = (instants - days).astype(np.int64)
        return np.busday_count(days[0], days), np.is_busday(days) & (of_day == of_day[0])
    positions, rest = np.divmod(times - times[0], frequency.step)
    return positions, rest == 0


def grid_times(start: int, positions: np.ndarray, frequency: Frequency) -> np.ndarray:
    """Times int64 (N,) that lie `positions` int64 (N,) steps after the row at `start`."""
    if not frequency.months and not frequency.is_business:
        return start + positions.astype(np.int64) * frequency.step
    instant = np.datetime64(int(start), "ns")
    of_day = (instant - instant.astype("datetime64[D]")).astype(np.int64)
    if frequency.is_business:
        days = np.busday_offset(instant.astype("datetime64[D]"), positions, roll="forward")
        return days.astype(np.int64) * DAY + of_day
    months = instant.astype("datetime64[M]") + positions * frequency.months
    first = months.astype("datetime64[D]")
    length = ((months + 1).astype("datetime64[D]") - first).astype(np.int64)
    return (first.astype(np.int64) + np.minimum(frequency.day, length) - 1) * DAY + of_day


def future_times(times: np.ndarray, frequency: Frequency, count: int) -> np.ndarray:
    """The times int64 (count,) of the rows after the last one."""
    return grid_times(int(times[-1]), np.arange(1, 1 + count), frequency)


def find_gaps(times: np.ndarray, frequency: Frequency) -> Gaps:
    """What lacks between the first and the last of ascending `times` int64 (T,); equal times are no gap."""
    num_missing = num_gaps = num_off = first_missing = 0
    first = first_off = -1
    # Piece by piece, each counted from the first row: a series can be most of the memory that there is.
    for start in range(0, len(times), ROWS_AT_ONCE):
        piece = np.concatenate([times[:1], times[start : start + ROWS_AT_ONCE + 1]])
        positions, is_on_grid = grid_positions(piece, frequency)
        missing = np.maximum(np.diff(positions[1:]) - 1, 0)
        off = np.flatnonzero(~is_on_grid[1 : ROWS_AT_ONCE + 1])
        if missing.any() and first < 0:
            first = start + int(np.flatnonzero(missing)[0])
            first_missing = int(missing[first - start])
        if len(off) and first_off < 0:
            first_off = start + int(off[0])
        num_missing, num_gaps = num_missing + int(missing.sum()), num_gaps + int((missing > 0).sum())
        num_off += len(off)
    return Gaps(num_missing, num_gaps, first, first_missing, num_off, first_off)
