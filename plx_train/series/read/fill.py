"""Missing values and missing rows: filled by a policy, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from plx_train.contract.dataset_options import FILL_POLICIES
from plx_train.ground.errors import ConfigError, DataError
from plx_train.series.frame import Series, time_text
from plx_train.series.frequency import Frequency
from plx_train.series.grid import Gaps, find_gaps, grid_positions, grid_times

POLICIES = FILL_POLICIES
"""What `dataset.fill` may be.

``error``: a missing value is an error. ``linear``: on the line between its neighbours, the nearest value at the ends;
it looks ahead, at the value after the gap. ``forward``: the last value before it, nothing later is looked at.
``zero``: 0. ``mean``: the column's mean in this series, later rows included. ``drop``: rows with a missing value are
left out, and no missing row is put in, so that windows count rows and not time.
"""
MAX_GROWTH = 10
"""A series is not made longer than this many times its rows; a mistyped year would fill the memory."""


def fill_series(
    series: Series, policy: str, frequency: Frequency | None, flags: Sequence[str] = ()
) -> tuple[Series, int]:
    """A series without missing values, and how many values were filled in or, by ``drop``, rows left out.

    Rows that the frequency's grid lacks are put in and filled as well, save where rows stand beside the grid. A series
    that lacks nothing is returned as it is; no array is copied.

    Args:
        policy: one of `POLICIES`.
        frequency: of the series; None where it has none.
        flags: columns of 0 and 1 that mark rows; missing ones are 0.

    Raises:
        ConfigError: there is no such policy.
        DataError: the policy is ``error`` and something is missing, or there is no value to fill from. It names the
            group, and leaves file and line, `Series.where`, to the caller.
    """
    check_policy(policy)
    gaps = _insertable(series, frequency)
    num_missing = int(np.isnan(series.values).sum())
    if policy == "error" and (num_missing or gaps is not None):
        raise DataError(_fault(series, gaps))
    if policy == "drop":
        return _without_missing(series, num_missing)
    if gaps is not None and frequency is not None:
        series = _with_missing_rows(series, gaps, frequency)
        num_missing += gaps.num_missing * len(series.columns)
    if num_missing == 0:
        return series, 0
    values = series.values.copy()
    for place, name in enumerate(series.columns):
        is_missing = np.isnan(values[:, place])
        if is_missing.any():
            values[:, place] = _filled(series, name, values[:, place], is_missing, "zero" if name in flags else policy)
    return replace(series, values=values), num_missing


def check_policy(policy: str) -> None:
    """
    Raises:
        ConfigError: there is no such policy.
    """
    if policy not in POLICIES:
        raise ConfigError(f"dataset.fill={policy} is no policy: choose one of {', '.join(POLICIES)}")


def _insertable(series: Series, frequency: Frequency | None) -> Gaps | None:
    """The gaps that rows can be put into."""
    if frequency is None or len(series) == 0:
        return None
    gaps = find_gaps(series.times, frequency)
    return gaps if gaps.num_missing and not gaps.num_off_grid else None


def _fault(series: Series, gaps: Gaps | None) -> str:
    rows = np.flatnonzero(np.isnan(series.values).any(1))
    parts = []
    if len(rows):
        first = time_text(series.times[rows[0]], series.is_datetime)
        parts.append(f"{_values(int(np.isnan(series.values).sum()))} missing, the first at {first}")
    if gaps is not None:
        after = time_text(series.times[gaps.first], series.is_datetime)
        shown = "1 row is" if gaps.num_missing == 1 else f"{gaps.num_missing} rows are"
        parts.append(f"{shown} missing, the first after {after}")
    return f"{_of(series)}{' and '.join(parts)}; set dataset.fill to {', '.join(POLICIES[1:])}, or mend the file"


def _values(count: int) -> str:
    return "1 value is" if count == 1 else f"{count} values are"


def _of(series: Series) -> str:
    """What begins a sentence on one of several series."""
    return f"series {series.group}: " if series.group is not None else ""


def _without_missing(series: Series, num_missing: int) -> tuple[Series, int]:
    if num_missing == 0:
        return series, 0
    is_whole = ~np.isnan(series.values).any(1)
    if not is_whole.any():
        raise DataError(f"{_of(series)}every row lacks a value, and dataset.fill=drop would leave none")
    kept = replace(series, times=series.times[is_whole], values=series.values[is_whole])
    return kept, int((~is_whole).sum())


def _with_missing_rows(series: Series, gaps: Gaps, frequency: Frequency) -> Series:
    if gaps.num_missing > MAX_GROWTH * len(series):
        after = time_text(series.times[gaps.first], series.is_datetime)
        raise DataError(
            f"{_of(series)}{gaps.num_missing} rows are missing, more than {MAX_GROWTH} times those that are there; the "
            f"first are missing after {after}: is a time mistyped?"
        )
    positions, _ = grid_positions(series.times, frequency)
    if (np.diff(positions) == 0).any():
        raise DataError(f"{_of(series)}rows have the same time: mend them before missing rows are put in")
    values = np.full((int(positions[-1]) + 1, len(series.columns)), np.nan)
    values[positions] = series.values
    times = grid_times(int(series.times[0]), np.arange(len(values)), frequency)
    return replace(series, times=times, values=values)


def _filled(series: Series, name: str, values: np.ndarray, is_missing: np.ndarray, policy: str) -> np.ndarray:
    """`values` (T,) with those missing filled in."""
    if policy == "zero":
        return np.where(is_missing, 0.0, values)
    if is_missing.all():
        raise DataError(f"{_of(series)}column {name} has no value: leave it out, or set dataset.fill=zero")
    if policy == "mean":
        return np.where(is_missing, values[~is_missing].mean(), values)
    rows = np.arange(len(values))
    if policy == "linear":
        return np.interp(rows, rows[~is_missing], values[~is_missing])
    if is_missing[0]:
        count = int((~is_missing).argmax())
        raise DataError(
            f"{_of(series)}column {name} lacks its first {count} values, and dataset.fill=forward has "
            "nothing before: cut these rows off, or set dataset.fill=zero or linear"
        )
    return values[np.maximum.accumulate(np.where(is_missing, 0, rows))]
