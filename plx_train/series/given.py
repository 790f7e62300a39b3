"""What a user hands to a finished model as series: a file, a data frame, an array, or a series itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.errors import UserError
from plx_train.series.frame import Series
from plx_train.series.read import Columns, read_series
from plx_train.series.source import SUFFIXES

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
        given: the path of a table, a pandas data frame, an array (T,) or (T, C) of the columns' values, or a series.
        columns: that are wanted; of an array and a series the values alone.

    Raises:
        UserError: it is none of them, can't be read, or lacks a column.
    """
    if isinstance(given, Series):
        return [_with_columns(given, columns.values)]
    if isinstance(given, str | Path):
        need_pandas()
        return _from_file(Path(given), columns)
    if isinstance(given, np.ndarray):
        return [_from_array(given, columns.values)]
    if hasattr(given, "to_numpy") and hasattr(given, "columns"):
        return _from_frame(given, columns)
    raise UserError(f"a series must be a path, a data frame or an array, not {type(given).__name__}")


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


def _from_file(path: Path, columns: Columns) -> list[Series]:
    found, findings = read_series(path, path.absolute().parent, columns)
    errors = [finding for finding in findings if finding.level == "error" and finding.code != "missing-values"]
    if errors or not found:
        raise UserError(str(errors[0]) if errors else f"{path} holds no series")
    return found


def _with_columns(series: Series, names: Sequence[str] | None) -> Series:
    if names is None or series.columns == tuple(names):
        return series
    missing = [name for name in names if name not in series.columns]
    if missing:
        raise UserError(f"{series.name} has no column {missing[0]!r}: its columns are {', '.join(series.columns)}")
    return Series(
        *(series.name, series.where, series.times, series.is_datetime, tuple(names), series.select(names)),
        *(series.static, series.label, series.group),
    )


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
    if columns.group in names:
        return [
            series
            for group, part in frame.groupby(columns.group, sort=False)
            for series in [_one_of_frame(part, columns, str(group))]
        ]
    return [_one_of_frame(frame, columns, None)]


def _one_of_frame(frame: Any, columns: Columns, group: str | None) -> Series:
    source = frame[columns.time] if columns.time in frame.columns else frame.index
    raw = np.asarray(source)
    if raw.dtype.kind not in "iuM":
        import pandas

        try:
            raw = np.asarray(pandas.to_datetime(source))
        except (ValueError, TypeError) as error:
            raise UserError(f"the data frame's times can't be understood: {error}") from None
    is_datetime = raw.dtype.kind == "M"
    times = raw.astype("datetime64[ns]").astype(np.int64) if is_datetime else raw.astype(np.int64)
    special = {columns.time, columns.group, columns.label, *columns.static}
    names = (
        columns.values if columns.values is not None else tuple(n for n in map(str, frame.columns) if n not in special)
    )
    try:
        values = frame[list(names)].to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UserError(f"the data frame holds what is no number: {error}") from None
    static = tuple((name, float(frame[name].iloc[0])) for name in columns.static)
    name = "series" if group is None else f"series:{group}"
    return Series(name, name, times, is_datetime, tuple(names), values, static, None, group)
