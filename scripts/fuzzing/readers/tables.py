"""Tables of series in every kind of file, as datasets and finished models read them."""

from __future__ import annotations

import gzip
import io
import lzma
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.cases import Case
from fuzzing.reader import Reader, Wrong

ROWS = 40
TOKENS = (
    *(
        b'"',
        b",",
        b";",
        b"\t",
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"#",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"1e309",
        b"nan",
        b"inf",
        b"-",
    ),
    *(
        b"2024-01-01",
        b"date",
        b"PAR1",
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"<row>",
        b"</row>",
        b'<c t="s"><v>99999999</v></c>',
    ),
    *(
        b'r="XFD1048576"',
        b'r="A99999999999"',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>',
        b"&b;",
        b"sheet1.xml",
    ),
    *(b'{"date":', b"null", b"[", b"]", b"{", b"}", b'"date": "2024-01-01T00:00:00Z"'),
)


def _frame() -> Any:
    import pandas as pd

    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "date": pd.date_range("2024-03-30 20:00", periods=ROWS, freq="h"),
            "load": (100 + 10 * np.sin(np.arange(ROWS) / 4) + rng.normal(0, 1, ROWS)).round(2),
            "temp": rng.normal(10, 3, ROWS).round(1),
            "id": ["a"] * (ROWS // 2) + ["b"] * (ROWS // 2),
            "label": ["up"] * (ROWS // 2) + ["down"] * (ROWS // 2),
            "flag": rng.integers(0, 2, ROWS),
        }
    )


def seeds(folder: Path) -> dict[str, Case]:
    """One table as programs write it: separators, notations, encodings, compressions, sheets, JSON lines, Parquet."""
    table = _frame()
    excel, parquet, dates = io.BytesIO(), io.BytesIO(), io.BytesIO()
    table.to_excel(excel, index=False)
    table.to_parquet(parquet, index=False)
    table.assign(
        date=table["date"].astype("datetime64[us]").dt.tz_localize("UTC"), id=table["id"].astype("category")
    ).to_parquet(dates, index=False, compression="gzip")
    plain = table.to_csv(index=False).encode()
    lines = table.to_json(orient="records", lines=True, date_format="iso").encode()
    found = {
        "plain": ("table.csv", plain),
        "semicolons": ("table.csv", table.to_csv(index=False, sep=";", decimal=",").encode()),
        "tabs": ("table.csv", table.to_csv(index=False, sep="\t").encode()),
        "days first": ("table.csv", table.to_csv(index=False, date_format="%d/%m/%Y %H:%M").encode()),
        "seconds": (
            "table.csv",
            table.assign(date=table["date"].astype("int64") // 10**9).to_csv(index=False).encode(),
        ),
        "offset": ("table.csv", plain.replace(b":00,", b":00+02:00,")),
        "holes": ("table.csv", plain.replace(b",10", b",-9999").replace(b"up", b"")),
        "utf 16": ("table.csv", plain.decode().encode("utf-16")),
        "returns": ("table.csv", b"# logger\r" + plain.replace(b"\n", b"\r")),
        "gzip": ("table.csv.gz", gzip.compress(plain)),
        "xz": ("table.csv.xz", lzma.compress(plain)),
        "lines": ("table.jsonl", lines),
        "lines gzip": ("table.ndjson.gz", gzip.compress(lines)),
        "excel": ("table.xlsx", excel.getvalue()),
        "parquet": ("table.parquet", parquet.getvalue()),
        "parquet gzip": ("table.parquet", dates.getvalue()),
    }
    return {name: {file: content} for name, (file, content) in found.items()}


def run(folder: Path) -> str:
    """Reads the case's file with times and groups, and as what is given to a finished model."""
    from plx_train.ground.errors import UserError
    from plx_train.series.read.given import series_given
    from plx_train.series.read.reader import Columns, read_series

    path = next(iter(sorted(folder.iterdir())), folder / "missing.csv")
    ways = (
        (Columns(time="date"), None),
        (
            Columns(time="date", group="id", label="label", values=("load", "temp", "flag"), flags=("flag",)),
            "Europe/Berlin",
        ),
        (Columns(missing=(-9999.0,)), None),
    )
    counts = []
    for columns, zone in ways:
        found, findings = read_series(path, folder, columns, zone)
        for finding in findings:
            if not str(finding).strip():
                raise Wrong("an empty finding")
        if not found and not any(finding.level == "error" for finding in findings):
            raise Wrong("no series, and no error that says why")
        for series in found:
            _check(series)
        counts.append((len(found), *sorted({finding.code for finding in findings})))
    given = Columns(time="date", values=("load",), group="id")
    try:
        for series in series_given(path, given):
            _check(series)
    except UserError as error:
        counts.append((0, str(error)[:80]))
    if path.suffix == ".csv" and path.is_file():
        try:
            series_given(path.read_bytes(), given)
        except UserError as error:
            counts.append((0, str(error)[:80]))
    return " ".join(str(part) for count in counts for part in count)


def _check(series: Any) -> None:
    if series.values.dtype != np.float64 or series.values.shape != (len(series.times), len(series.columns)):
        raise Wrong(f"values {series.values.dtype} {series.values.shape} for {len(series.times)} times")
    if (np.diff(series.times) < 0).any():
        raise Wrong("times that go back")


READER = Reader("tables", seeds, run, TOKENS)
