"""What a user hands to a finished model as series: a file, a data frame, an array, or a series itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.series.frame import Series
from plx_train.series.read.frame_times import times_of_frame
from plx_train.series.read.marks import without_marks
from plx_train.series.read.reader import Columns, read_header, read_series, read_source
from plx_train.series.read.scan import scan_header
from plx_train.series.read.source import SUFFIXES, csv_source

SERIES_SUFFIXES = frozenset(Path(f"x{suffix}").suffix for suffix in SUFFIXES)
"""Last suffixes of the files that are read."""


def need_pandas() -> None:
    """
    Raises:
        UserError: pandas is not installed, without which tables are not read.
    """
    if find_spec("pandas") is None:
        raise UserError("tables of series need pandas: pip install 'plx_train[series]'")


def series_given(given: Any, columns: Columns) -> list[Series]:
    """The series in `given`, one per group.

    Args:
        given: the path of a table, a CSV's bytes, a pandas data frame, an array (T,) or (T, C) of the columns' values,
            or a series.
        columns: that are wanted; of an array and a series the values alone.

    Raises:
        UserError: it is none of them, can't be read, or lacks a column.
    """
    if isinstance(given, str | Path | bytes):
        need_pandas()
        return _from_table(given, columns)
    if isinstance(given, Series):
        found = [_with_columns(given, columns.values)]
    elif isinstance(given, np.ndarray):
        found = [_from_array(given, columns.values)]
    elif hasattr(given, "to_numpy") and hasattr(given, "columns"):
        found = _from_frame(given, columns)
    else:
        raise UserError(f"a series must be a path, a data frame or an array, not {type(given).__name__}")
    return [_without_marks(one, columns) for one in found] if columns.missing else found


def _without_marks(series: Series, columns: Columns) -> Series:
    """The series without numbers that mark missing values.

    Raises:
        UserError: a static column has such a number.
    """
    places = [place for place, name in enumerate(series.columns) if name not in columns.flags]
    values = series.values.copy()
    values[:, places] = without_marks(values[:, places], columns.missing)
    for name, value in series.static:
        if not np.isnan(value) and np.isnan(without_marks(np.asarray([value]), columns.missing)[0]):
            raise UserError(f"the static column {name!r} has no value in {series.name}: {value:g} marks missing ones")
    return replace(series, values=values)


def one_series(given: Any, columns: Columns) -> Series:
    """The series in `given`, which must hold one; else as `series_given`.

    Raises:
        UserError: it holds several.
    """
    found = series_given(given, columns)
    if len(found) != 1:
        raise UserError(
            f"{found[0].name.partition(':')[0]} holds {len(found)} series ({columns.group}): give them one by one, or "
            "predict by a pipeline, which takes all"
        )
    return found[0]


def header_given(given: Any) -> tuple[str, ...] | None:
    """Names of the columns of a file or a CSV's bytes, none where it can't be read; None for what else is given."""
    if isinstance(given, bytes):
        return scan_header(csv_source(given)).header
    return read_header(Path(given), Path(given).absolute().parent) if isinstance(given, str | Path) else None


def _from_table(given: str | Path | bytes, columns: Columns) -> list[Series]:
    header = header_given(given)
    if header and columns.group not in header:
        # A table of one series needs no column that tells several apart.
        columns = replace(columns, group=None)
    if isinstance(given, bytes):
        found, findings = read_source(csv_source(given), columns)
    else:
        found, findings = read_series(Path(given), Path(given).absolute().parent, columns)
    errors = [finding for finding in findings if finding.level == "error" and finding.code != "missing-values"]
    if errors or not found:
        name = "the table" if isinstance(given, bytes) else given
        raise UserError(str(errors[0]) if errors else f"{name} holds no series")
    return found


def _with_columns(series: Series, names: Sequence[str] | None) -> Series:
    if names is None or series.columns == tuple(names):
        return series
    missing = [name for name in names if name not in series.columns]
    if missing:
        raise UserError(f"{series.name} has no column {missing[0]!r}: its columns are {', '.join(series.columns)}")
    return replace(series, columns=tuple(names), values=series.select(names))


def _from_array(given: np.ndarray, names: Sequence[str] | None) -> Series:
    values = given[:, None] if given.ndim == 1 else given
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise UserError(f"a series as an array must be numbers (rows, columns), not {given.dtype} {given.shape}")
    names = tuple(names) if names is not None else tuple(str(place) for place in range(values.shape[1]))
    if values.shape[1] != len(names):
        raise UserError(f"the array has {values.shape[1]} columns instead of {len(names)}: {', '.join(names)}")
    return Series("series", "series", np.arange(len(values)), False, names, values.astype(np.float64))


def _from_frame(frame: Any, columns: Columns) -> list[Series]:
    names = list(map(str, frame.columns))
    for name in (*(columns.values or ()), *columns.static):
        if name not in names:
            raise UserError(f"the data frame has no column {name!r}: its columns are {', '.join(names[:20])}")
    if not len(frame):
        raise UserError("the data frame holds no row")
    times, is_datetime, of_day = times_of_frame(frame, columns)
    if columns.values is None:
        special = {columns.time, of_day, columns.group, columns.label, *columns.static}
        columns = replace(columns, values=tuple(name for name in names if name not in special))
    if columns.group not in names:
        return [_one_of_frame(frame, times, is_datetime, columns, None)]
    if frame[columns.group].isna().any():
        raise UserError(f"the data frame has rows without a group: fill its column {columns.group!r}")
    return [
        _one_of_frame(frame.iloc[rows], times[rows], is_datetime, columns, str(group))
        for group, rows in _rows_of_groups(frame[columns.group])
    ]


def _rows_of_groups(groups: Any) -> Iterator[tuple[Any, np.ndarray]]:
    """Each group and the places of its rows, in the order of their first rows."""
    import pandas

    codes, names = pandas.factorize(groups)
    order = np.argsort(codes, kind="stable")
    yield from zip(names, np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True)


def _one_of_frame(frame: Any, times: np.ndarray, is_datetime: bool, columns: Columns, group: str | None) -> Series:
    name = "series" if group is None else f"series:{group}"
    if (times[1:] < times[:-1]).any():
        order = np.argsort(times, kind="stable")
        frame, times = frame.iloc[order], times[order]
    if (times[1:] == times[:-1]).any():
        raise UserError(f"{name} of the data frame has times that stand twice: leave one row of each")
    names = columns.values or ()
    try:
        values = frame[list(names)].to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UserError(f"the data frame holds what is no number: {error}") from None
    static = tuple((name, float(frame[name].iloc[0])) for name in columns.static)
    return Series(name, name, times, is_datetime, tuple(names), values, static, None, group)
