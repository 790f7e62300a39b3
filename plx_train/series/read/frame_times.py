"""The times of a data frame: datetimes and integers as they are, texts as the texts of files are read."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.series.read.names import DAY_TIME_NAMES, plain_name
from plx_train.series.read.reader import Columns
from plx_train.series.read.scan import scan_lines
from plx_train.series.read.source import TableSource
from plx_train.series.read.time_column import find_of_day, time_format
from plx_train.series.read.times import joined, parse_times

if TYPE_CHECKING:
    import pandas

DAY = 86_400 * 10**9


def times_of_frame(frame: pandas.DataFrame, columns: Columns) -> tuple[np.ndarray, bool, str | None]:
    """Times int64 (T,) of the column, else of the index, with an offset in UTC; whether they are datetimes; and the
    column of the times of day that belong to the dates, None where there is none.

    Raises:
        UserError: a row has no time, or the times can't be understood.
    """
    import pandas

    source = frame[columns.time] if columns.time in frame.columns else frame.index.to_series()
    if source.isna().any():
        raise UserError("the data frame has rows without a time: leave them out")
    raw = np.asarray(source)
    if raw.dtype.kind not in "iuM" and not all(isinstance(cell, str) for cell in raw):
        try:
            raw = pandas.DatetimeIndex(pandas.to_datetime(source, utc=True)).tz_localize(None).to_numpy()
        except (ValueError, TypeError) as error:
            raise UserError(f"the data frame's times can't be understood: {error}") from None
    if raw.dtype.kind == "M":
        times = raw.astype("datetime64[ns]").astype(np.int64)
        beside = _columns_of_day(frame, columns) if not (times % DAY).any() else []
        if not beside:
            return times, True, None
        raw = raw.astype("datetime64[D]").astype(str).astype(object)
    if raw.dtype.kind in "iu":
        return raw.astype(np.int64), False, None
    return _of_texts(pandas.Series(raw, dtype=object), frame, columns)


def _columns_of_day(frame: pandas.DataFrame, columns: Columns) -> list[str]:
    """Columns whose names are those of times of day, and that are nothing else."""
    taken = {columns.time, columns.group, columns.label, *columns.static, *(columns.values or ())}
    return [name for name in map(str, frame.columns) if name not in taken and plain_name(name) in DAY_TIME_NAMES]


def _of_texts(cells: pandas.Series, frame: pandas.DataFrame, columns: Columns) -> tuple[np.ndarray, bool, str | None]:
    """The same of texts (T,): what a file tells of how they are written is asked of the frame as a table."""
    import pandas

    table = pandas.DataFrame({"date": cells.str.strip()})
    for name in _columns_of_day(frame, columns):
        table[name] = np.asarray(frame[name].astype(str).str.strip())
    group = None
    if columns.group in frame.columns:
        group = "rows of a series"
        table[group] = pandas.factorize(frame[columns.group])[0]
    content = table.to_csv(index=False).encode()
    scan = scan_lines(TableSource("the data frame", lambda: io.BytesIO(content), offset=1))
    of_day = find_of_day(scan, "date", ("date",)) if scan.ok else None
    written = time_format(scan, ("date", of_day, group), (), columns.time_format) if scan.ok else None
    if written is None:
        raise UserError(f"the data frame's times can't be understood: {cells.iloc[0]!r} is no time")
    if of_day is not None:
        cells = joined(table["date"], table[of_day].str.replace(".", ":", regex=False))
    times, bad, odd = parse_times(cells, written)
    if (bad | odd).any():
        shown = str(cells[bad | odd].iloc[0])
        raise UserError(f"the data frame's times can't be understood: {shown[:40]!r} is no time like the others")
    return times, written.is_datetime, of_day
