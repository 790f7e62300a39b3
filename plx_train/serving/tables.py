"""The series in the table that a client sent: CSV as base64, read in memory as files are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from plx_train.ground.errors import UserError
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
    content = content_of(request.csv, limits)
    # Counted without the header; the last line may lack its end.
    if content.count(b"\n") - content.endswith(b"\n") > limits.max_rows:
        raise Refusal(422, f"The table has more than {limits.max_rows} rows, which is this server's limit")
    try:
        found = [_series_in(item) for item in islice(pipeline.read(content), limits.max_series + 1)]
    except UserError as error:
        raise Refusal(422, str(error)) from None
    if len(found) > limits.max_series:
        raise Refusal(422, f"The table has more than {limits.max_series} series, which is this server's limit")
    return found, table_info(found)


def table_info(found: Sequence[Any]) -> DataInfo:
    """What the answer may say of a table."""
    return DataInfo(numSeries=len(found), type="table")


def _series_in(item: Any) -> Any:
    """
    Raises:
        UserError: it stands in the place of what can't be read.
    """
    if isinstance(item, UserError):
        raise item
    return item.series
