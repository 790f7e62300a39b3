"""JSON lines and Parquet are read as the CSV of the same table is, with the lines of the file at hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plx_train.contract.check import Finding
from plx_train.series.read import records, source
from plx_train.series.read.given import series_given
from plx_train.series.read.reader import Columns, read_header, read_series

COLUMNS = Columns("date", ("a", "b"), "g")


def frame() -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(40, 2)) * [1e-7, 1e12]
    dates = pd.date_range("2024-01-01", periods=20, freq="h")
    table = pd.DataFrame({"date": [*dates, *dates], "g": ["01"] * 20 + ["NA"] * 20, "a": values[:, 0]})
    return table.assign(b=values[:, 1].round(), note='x, "y"\nz')


def found(findings: list[Finding]) -> list[tuple[int, str, str]]:
    return [(finding.line, finding.level, finding.code) for finding in findings]


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl", "t.ndjson", "t.jsonl.gz", "T.JSONL"])
def test_the_same_series_as_of_csv(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        frame().to_parquet(path)
    else:
        rows = json.loads(
            frame().assign(date=frame()["date"].astype(str)).to_json(orient="records", double_precision=15)
        )
        rows = [row | {"a": value} for row, value in zip(rows, frame()["a"], strict=True)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    series, findings = read_series(path, tmp_path, COLUMNS)
    assert not findings and [one.group for one in series] == ["01", "NA"]
    for one, part in zip(series, (frame()[:20], frame()[20:]), strict=True):
        np.testing.assert_array_equal(one.values, part[["a", "b"]].to_numpy())
        assert one.is_datetime and one.times[0] == pd.Timestamp("2024-01-01").value
    assert series[1].where.endswith(":21")
    assert read_header(path, tmp_path)[0] == "date"
    assert len(series_given(path, COLUMNS)) == 2


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"date": "2024-01-01", "a": 1.50}\n\n{"date": "2024-01-02", "a": "x"}\n')
    _, findings = read_series(path, tmp_path, Columns("date", ("a",)))
    assert found(findings) == [(2, "warning", "blank-line"), (3, "error", "not-a-number")]


@pytest.mark.parametrize("key", ["#", "# station", "sep=;"])
def test_a_key_may_look_like_a_comment(tmp_path: Path, key: str) -> None:
    frame()[:20].drop(columns="g").rename(columns={"a": key})[[key, "date", "b"]].to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({key: row / 2, "date": row}) + "\n" for row in range(20)))
    for name in ("t.parquet", "t.jsonl"):
        (series,), findings = read_series(tmp_path / name, tmp_path, Columns("date", (key,)))
        assert not findings and len(series) == 20


def test_missing_keys_null_and_nan_are_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"t": 1, "a": 1, "b": 1}\n{"t": 2, "a": null, "b": NaN}\n{"t": 3, "b": 3}\n{"t": 4, "a": 4, "b": 4}\n'
    )
    (series,), findings = read_series(path, tmp_path, Columns("t", ("a", "b")))
    np.testing.assert_array_equal(series.values, [[1, 1], [np.nan, np.nan], [np.nan, 3], [4, 4]])
    assert found(findings) == [(2, "warning", "missing-values")] * 2


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ('{"a": 1}\n{"a": \n', 2, "no JSON"),
        ("[1, 2]\n", 1, "no JSON object"),
        ('{"a": [1, 2]}\n', 1, "'a' is a list"),
        ('{"a": 1}\n{"a": {"b": 1}}\n', 2, "'a' is an object"),
        ('{"a": 1, "a": 2}\n', 1, "a key stands twice"),
        ("[" * 5000 + "\n", 1, "no JSON"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(tmp_path: Path, text: str, line: int, part: str) -> None:
    (tmp_path / "t.jsonl").write_text(text)
    _, (finding,) = read_series(tmp_path / "t.jsonl", tmp_path, Columns(None))
    assert (finding.line, finding.code) == (line, "not-json-lines") and part in finding.reason


def test_indices_of_times_become_columns(tmp_path: Path) -> None:
    frame()[:20].drop(columns="g").set_index("date").to_parquet(tmp_path / "named.parquet")
    frame()[:20].drop(columns="g").set_index("date").rename_axis(None).to_parquet(tmp_path / "unnamed.parquet")
    for name in ("named.parquet", "unnamed.parquet"):
        (series,), _ = read_series(tmp_path / name, tmp_path, Columns("date", ("a",)))
        assert series.is_datetime and len(series) == 20


def test_damaged_and_swelling_tables_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.parquet"
    for content in (b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1"):
        path.write_bytes(content)
        assert found(read_series(path, tmp_path, COLUMNS)[1]) == [(0, "error", "file-unreadable")]
    frame().assign(note=[[1, 2]] * 40).to_parquet(path)
    assert found(read_series(path, tmp_path, COLUMNS)[1]) == [(0, "error", "not-a-table")]
    monkeypatch.setattr(records, "MAX_TABLE", 100)
    frame().to_parquet(path)
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n' * 100)
    for one in (path, tmp_path / "t.jsonl"):
        assert found(read_series(one, tmp_path, COLUMNS)[1]) == [(0, "error", "file-too-large")]


def test_a_table_is_turned_into_csv_once_until_it_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, made = tmp_path / "t.parquet", []
    convert = source.parquet_as_csv
    monkeypatch.setattr(source, "parquet_as_csv", lambda file: made.append(file) or convert(file))
    monkeypatch.setattr(source, "SETTLED", -60)
    for count in (1, 2):
        frame().assign(a=count).to_parquet(path)
        for _ in range(2):
            assert read_header(path, tmp_path)[0] == "date"
            assert read_series(path, tmp_path, COLUMNS)[0][0].values[0, 0] == count
        assert len(made) == count
    monkeypatch.setattr(source, "SETTLED", 60)
    frame().to_parquet(path)
    for count in (3, 4):
        read_header(path, tmp_path)
        assert len(made) == count
