"""The series in the table that a client sent: CSV as base64, read in memory."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from plx_train.errors import UserError
from plx_train.serving.files import Limits, content_of
from plx_train.serving.protocol import CsvRequest, DataInfo, Request
from plx_train.serving.refusal import Refusal
from plx_train.serving.served import ServedPipeline


def series_of(request: Request, limits: Limits, pipeline: ServedPipeline) -> tuple[list[Any], DataInfo]:
    """The series in a request's table, one per group, and how many there are.

    Raises:
        Refusal: 422; it can't be had or read, lacks a column, or is above a limit.
    """
    assert isinstance(request, CsvRequest)
    frame = _frame(content_of(request.csv, limits), limits)
    try:
        found = [item.series for item in pipeline.read(frame)]
    except UserError as error:
        raise Refusal(422, str(error)) from None
    if not found:
        raise Refusal(422, "The table has no row")
    return found, table_info(found)


def table_info(found: Sequence[Any]) -> DataInfo:
    """What the answer may say of a table."""
    return DataInfo(numSeries=len(found), type="table")


def _frame(content: bytes, limits: Limits) -> Any:
    import pandas

    try:
        # One row more than is allowed tells that there are more, without reading them.
        frame = pandas.read_csv(io.BytesIO(content), nrows=limits.max_rows + 1)
    except (ValueError, UnicodeDecodeError) as error:
        # pandas' own errors derive from ValueError.
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Refusal(422, f"The file is no CSV table that can be read: {reason}") from None
    if len(frame) > limits.max_rows:
        raise Refusal(422, f"The table has more than {limits.max_rows} rows, which is this server's limit")
    return frame
