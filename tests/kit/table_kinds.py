"""Tables as people really have them, made by name: each is training and validation of one series."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

ROWS = 280
TRAIN = 200


def frame(freq: str = "h", rows: int = ROWS) -> pd.DataFrame:
    """Times and a sine with a little noise, around 100."""
    noise = np.random.default_rng(0).normal(0, 1, rows)
    values = 100 + 10 * np.sin(np.arange(rows) / 24 * 2 * np.pi) + noise
    return pd.DataFrame({"date": pd.date_range("2024-01-01", periods=rows, freq=freq), "load": values.round(3)})


def csv(table: pd.DataFrame, **options: Any) -> bytes:
    return table.to_csv(index=False, **options).encode()


def _with(values: Any, at: int = 50, column: str = "load") -> pd.DataFrame:
    table = frame().astype({column: object})
    table.loc[at, column] = values
    return table


def _texts(form: Callable[[float], str]) -> pd.DataFrame:
    table = frame()
    table["load"] = [form(1000 + value * 10) for value in table["load"]]
    return table


def _parquet(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table.to_parquet(file, index=False)
    return file.getvalue()


def _excel(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table.to_excel(file, index=False)
    return file.getvalue()


def _german(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def _split(date: pd.Series) -> pd.DataFrame:
    days, hours = date.dt.strftime("%Y-%m-%d"), date.dt.strftime("%H:%M")
    return pd.DataFrame({"date": days, "time": hours, "load": frame()["load"]})


Made = Callable[[pd.DataFrame], bytes]
PLAIN: Made = csv
TABLES: dict[str, tuple[str, pd.DataFrame, Made]] = {
    "CSV": (".csv", frame(), PLAIN),
    "Excel": (".xlsx", frame(), _excel),
    "Parquet": (".parquet", frame(), _parquet),
    "JSON lines": (".jsonl", frame(), lambda t: t.to_json(orient="records", lines=True, date_format="iso").encode()),
    "CSV, gzip": (".csv.gz", frame(), lambda table: gzip.compress(csv(table))),
    "tabs between cells": (".csv", frame(), lambda table: csv(table, sep="\t")),
    "semicolons and decimal commas": (".csv", frame(), lambda table: csv(table, sep=";", decimal=",")),
    "German thousands and decimals": (".csv", _texts(_german), lambda table: csv(table, sep=";")),
    "English thousands and decimals": (".csv", _texts(lambda value: f"{value:,.2f}"), PLAIN),
    "thousands alone": (".csv", _texts(lambda value: f"{int(value):,d}"), PLAIN),
    "UTF-8 with a byte order mark": (".csv", frame(), lambda table: b"\xef\xbb\xbf" + csv(table)),
    "UTF-16": (".csv", frame(), lambda table: csv(table).decode().encode("utf-16")),
    "carriage returns alone": (".csv", frame(), lambda table: csv(table).replace(b"\n", b"\r")),
    "sep=, above the header": (".csv", frame(), lambda table: b"sep=,\n" + csv(table)),
    "comments above the header": (".csv", frame(), lambda table: b"# made by a logger\n" + csv(table)),
    "days before months": (".csv", frame("MS"), lambda table: csv(table, date_format="%d/%m/%Y")),
    "Date Time, as in Jena": (
        ".csv",
        frame().rename(columns={"date": "Date Time"}),
        lambda table: csv(table, date_format="%d.%m.%Y %H:%M:%S"),
    ),
    "date and time in two columns": (".csv", _split(frame()["date"]), PLAIN),
    "seconds since 1970": (".csv", frame().assign(date=frame()["date"].astype("int64") // 10**9), PLAIN),
    "an empty cell": (".csv", _with(None), PLAIN),
    "a word among numbers": (".csv", _with("high"), PLAIN),
    "inf": (".csv", _with("inf"), PLAIN),
    "-9999 for missing": (".csv", frame().assign(load=frame()["load"].where(frame().index % 40 != 7, -9999.0)), PLAIN),
    "9.96921e36 for missing": (
        ".csv",
        frame().assign(load=frame()["load"].where(frame().index % 40 != 7, 9.96921e36)),
        PLAIN,
    ),
    "1.8e308": (".csv", _with(1.7976931348623157e308), PLAIN),
    "a row twice": (".csv", pd.concat([frame()[:100], frame()[99:]]), PLAIN),
    "a gap of ten rows": (".csv", frame().drop(index=range(60, 70)), PLAIN),
    "rows in disorder": (".csv", frame().sample(frac=1, random_state=0), PLAIN),
    "numbers as texts only": (".csv", frame().assign(load="x"), PLAIN),
    "a header alone": (".csv", frame(rows=0), PLAIN),
    "empty file": (".csv", frame(), lambda table: b""),
    "bytes of a picture": (".csv", frame(), lambda table: b"\x89PNG\r\n\x1a\n" + bytes(500)),
    "a last line that is cut": (".csv", frame(), lambda table: csv(table)[:-8]),
}
"""By what it is: the suffix, the whole table, and how it is written."""


def halves(name: str) -> tuple[str, bytes, bytes]:
    """Suffix, training and validation of a kind; what is no table is the same in both."""
    suffix, table, made = TABLES[name]
    return suffix, made(table[:TRAIN]), made(table[TRAIN:])
