"""Tables that are no CSV: JSON lines and Parquet, turned into CSV in memory; nothing is rounded."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from plx_train.data.label_file import BYTE_ORDER_MARK

MAX_TABLE = 1 << 30
"""Bytes of an unpacked table: a larger one, or one made to swell, would fill the memory."""
MAX_COLUMNS = 10_000


class RecordFault(Exception):
    """What is wrong with a table, and in which line.

    Attributes:
        line: counted from 1; 0 where it is the whole file.
    """

    def __init__(self, line: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.line, self.code, self.reason = line, code, reason


def lines_as_csv(stream: BinaryIO) -> bytes:
    """JSON lines as CSV with a header: numbers as they are written, null as an empty cell.

    Lines stand one below where they stood; blank ones stay blank.

    Raises:
        RecordFault: a line is no object of texts and numbers, or the table is too large.
    """
    columns: dict[str, None] = {}
    records: list[dict[str, str] | None] = []
    size = 0
    for number, line in enumerate(stream, 1):
        size += len(line)
        if size > MAX_TABLE:
            raise RecordFault(0, "file-too-large", f"the file unpacks to more than {MAX_TABLE >> 30} GiB: cut it")
        records.append(_record(line, number) if line.strip() else None)
        columns |= dict.fromkeys(records[-1] or ())
        if len(columns) > MAX_COLUMNS:
            raise RecordFault(number, "not-json-lines", f"there are more than {MAX_COLUMNS:,} keys: is it a table?")
    return _csv(list(columns), ([record.get(name, "") for name in columns] if record else None for record in records))


def parquet_as_csv(path: Path) -> bytes:
    """A Parquet file as CSV with a header; an index that has a name, or holds times, becomes a column.

    Raises:
        RecordFault: it is too large, or a column holds lists or bytes.
        ImportError: pyarrow is not installed.
    """
    import pandas
    import pyarrow.parquet

    metadata = pyarrow.parquet.ParquetFile(path).metadata
    size = sum(metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups))
    if max(size, 8 * metadata.num_rows * metadata.num_columns) > MAX_TABLE:
        raise RecordFault(0, "file-too-large", f"the file unpacks to more than {MAX_TABLE >> 30} GiB: cut it")
    table = pandas.read_parquet(path, engine="pyarrow")
    if table.index.name is not None or table.index.nlevels > 1 or isinstance(table.index, pandas.DatetimeIndex):
        # Times without a name are the usual column of times.
        names = [name or ("date" if table.index.nlevels == 1 else f"level_{place}")
                 for place, name in enumerate(table.index.names)]  # fmt: skip
        table = table.reset_index(names=names)
    for name in table.columns:
        first = next((cell for cell in table[name] if cell is not None), None) if table[name].dtype == object else None
        if isinstance(first, list | dict | bytes) or hasattr(first, "__array__"):
            raise RecordFault(
                0, "not-a-table", f"the column {name!r} holds {type(first).__name__}, not one value a row"
            )
    rows = (["" if pandas.isna(cell) else _text(cell) for cell in row] for row in table.itertuples(index=False))
    return _csv([str(name) for name in table.columns], rows)


def _record(line: bytes, number: int) -> dict[str, str]:
    """Cells of a line by column."""
    try:
        text = (line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line).decode("utf-8")
    except UnicodeDecodeError:
        raise RecordFault(number, "not-utf8", "the line is not UTF-8: save the file in that encoding") from None
    try:
        found = json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_pairs)
    except (ValueError, RecursionError) as error:
        raise RecordFault(number, "not-json-lines", f"the line is no JSON ({str(error)[:80]})") from None
    if not isinstance(found, dict):
        reason = "the line is no JSON object such as {\"date\": \"2020-01-31\", \"load\": 5}"  # fmt: skip
        raise RecordFault(number, "not-json-lines", reason)
    for name, cell in found.items():
        if isinstance(cell, list | dict):
            reason = f"the value of {name!r} is {'a list' if isinstance(cell, list) else 'an object'}, not one value"
            raise RecordFault(number, "not-json-lines", reason)
    return {name: "" if cell is None else _text(cell) for name, cell in found.items()}


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) != len({name for name, _ in pairs}):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _text(cell: Any) -> str:
    """A cell in one line; floats as they are read back to the same bits."""
    text = repr(float(cell)) if isinstance(cell, float) else str(cell)
    return " ".join(text.split()) if "\n" in text or "\r" in text else text


def _csv(columns: list[str], rows: Iterator[list[str] | None]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    write: Callable[[list[str]], Any] = writer.writerow
    write(columns)
    for row in rows:
        if row is None:
            text.write("\n")
        else:
            # A row of one empty cell would be a blank line.
            write(row)
    return text.getvalue().encode("utf-8", "replace")
