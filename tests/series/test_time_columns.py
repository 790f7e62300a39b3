"""Columns of times as people have them: days before months, times of day in a column of their own, odd first lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plx_train.contract.check import Finding
from plx_train.contract.dataset_options import DatasetOptions
from plx_train.series.frame import Series
from plx_train.series.read.given import series_given
from plx_train.series.read.reader import Columns, read_series
from plx_train.series.read.scan import scan_lines
from plx_train.series.read.source import csv_source
from plx_train.series.read.splits import read_data, roles_of


def write(path: Path, times: pd.DatetimeIndex, pattern: str, name: str = "date") -> None:
    pd.DataFrame({name: times.strftime(pattern), "load": np.arange(len(times)) % 7}).to_csv(path, index=False)


def options(root: Path) -> DatasetOptions:
    return DatasetOptions(root=str(root), train="train.csv", val="val.csv")


def read_both(root: Path) -> tuple[tuple[Series, ...], list[Finding]]:
    data = read_data(options(root), roles_of(options(root)))
    findings = [*data.train.findings, *data.val.findings]
    return (*data.train.series, *data.val.series), findings


def split(root: Path, times: pd.DatetimeIndex, pattern: str, share: float = 0.7) -> int:
    edge = int(len(times) * share)
    write(root / "train.csv", times[:edge], pattern)
    write(root / "val.csv", times[edge:], pattern)
    return edge


@pytest.mark.parametrize("order", ["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"])
@pytest.mark.parametrize(
    ("start", "freq", "rows", "of_day"),
    [
        ("2000-01-01", "MS", 240, ""),
        ("1980-01-01", "QS", 160, ""),
        ("2024-03-01", "h", 400, " %H:%M"),
        ("2024-03-01", "h", 200, " %H:%M"),
        ("2024-03-01", "15min", 700, " %H:%M:%S"),
        ("2024-01-01", "D", 60, ""),
    ],
)
def test_the_order_of_the_steady_step_is_taken_in_both_files(
    tmp_path: Path, order: str, start: str, freq: str, rows: int, of_day: str
) -> None:
    times = pd.date_range(start, periods=rows, freq=freq)
    edge = split(tmp_path, times, order + of_day)
    (train, val), findings = read_both(tmp_path)
    assert not findings
    wanted = times.to_numpy().astype("datetime64[ns]").astype(np.int64)
    np.testing.assert_array_equal(train.times, wanted[:edge])
    np.testing.assert_array_equal(val.times, wanted[edge:])


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_one_file_tells_how_the_other_is_read(tmp_path: Path, share: float) -> None:
    # The shorter part ends before the twelfth of its month, and is as steady with months for days.
    times = pd.date_range("2024-03-01" if share < 0.5 else "2024-02-12", periods=25, freq="D")
    split(tmp_path, times, "%d/%m/%Y", share)
    (train, val), findings = read_both(tmp_path)
    assert not [finding for finding in findings if finding.code == "time-ambiguous"]
    assert (np.diff(np.append(train.times, val.times)) == 86_400 * 10**9).all()


def test_what_is_steady_both_ways_is_told(tmp_path: Path) -> None:
    split(tmp_path, pd.date_range("2024-02-01", periods=10, freq="D"), "%d/%m/%Y")
    series, findings = read_both(tmp_path)
    assert [finding.code for finding in findings] == ["time-ambiguous"] * 2
    assert {pd.Timestamp(time).day for one in series for time in one.times.tolist()} == {2}


def test_a_model_remembers_the_order(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", pd.date_range("2024-02-01", periods=10, freq="D"), "%d/%m/%Y")
    (series,) = series_given(tmp_path / "t.csv", Columns("date", ("load",), time_format="%d/%m/%Y"))
    assert (np.diff(series.times) == 86_400 * 10**9).all()


def test_groups_are_looked_at_one_by_one(tmp_path: Path) -> None:
    times = pd.date_range("2000-01-01", periods=24, freq="MS").strftime("%d/%m/%Y")
    rows = [f"{name},{time},{place}" for place, time in enumerate(times) for name in "ab"]
    (tmp_path / "t.csv").write_text("g,date,a\n" + "\n".join(rows) + "\n")
    series, findings = read_series(tmp_path / "t.csv", tmp_path, Columns("date", ("a",), "g"))
    assert not findings and [len(one) for one in series] == [24, 24]
    assert series[0].times[1] == pd.Timestamp("2000-02-01").value


@pytest.mark.parametrize(
    ("header", "first"),
    [("Date Time", "01.01.2009 00:10:00"), ("DateTime", "2024-01-01"), ("time_stamp", "5"), ("TIMESTAMP", "5")],
)
def test_names_of_times_however_they_are_written(tmp_path: Path, header: str, first: str) -> None:
    for name in ("train.csv", "val.csv"):
        (tmp_path / name).write_text(f"{header},a\n{first},1\n")
    assert roles_of(options(tmp_path)).time == header


@pytest.mark.parametrize(
    ("content", "hour"),
    [
        ("date,time,a\n2024-01-01,00:00,1\n2024-01-01,01:00,2\n2024-01-01,02:00,3\n", 1),
        ("Date,Time,a\n16/12/2006,17:24:00,1\n16/12/2006,17:25:00,2\n16/12/2006,17:26:00,3\n", 1 / 60),
        ("Date,Time,a\n10/03/2004,18.00.00,1\n10/03/2004,19.00.00,2\n10/03/2004,20.00.00,3\n", 1),
    ],
)
def test_dates_and_times_of_day_in_two_columns(tmp_path: Path, content: str, hour: float) -> None:
    for name in ("train.csv", "val.csv"):
        (tmp_path / name).write_text(content)
    (train, val), findings = read_both(tmp_path)
    told = {finding.code for finding in findings}
    assert "time-in-two-columns" in told and not [finding for finding in findings if finding.level == "error"]
    assert train.columns == val.columns == ("a",)
    assert np.diff(train.times).tolist() == [round(hour * 3600) * 10**9] * 2


@pytest.mark.parametrize(
    ("content", "line", "code"),
    [
        ("sep=,\ndate,a\n2024-01-01,1\n2024-01-02,2\n", 1, "lines-before-header"),
        ("# station 5\n#\ndate,a\n2024-01-01,1\n2024-01-02,2\n", 1, "lines-before-header"),
        ("date,a\n,degC\n2024-01-01,1\n2024-01-02,2\n", 2, "units-row"),
        ("date,a\nYYYY-MM-DD,m/s\n2024-01-01,1\n2024-01-02,2\n", 2, "units-row"),
        ("date,a,\n2024-01-01,1,\n2024-01-02,2,\n", 1, "column-unnamed"),
        ("date,a\n2024-01-01,1,\n2024-01-02,2,\n", 1, "column-unnamed"),
        ("\ufeffdate,a\n2024-01-01,1\n2024-01-02,2\n", 1, "byte-order-mark"),
        ("date,a,\n2024-01-01,1\n2024-01-02,2\n", 0, ""),
        ("# date,a\n2024-01-01,1\n2024-01-02,2\n", 0, ""),
    ],
)
def test_odd_lines_are_skipped(tmp_path: Path, content: str, line: int, code: str) -> None:
    (tmp_path / "t.csv").write_text(content, "utf-8")
    (series,), findings = read_series(tmp_path / "t.csv", tmp_path, Columns("date"))
    assert [(one.line, one.code) for one in findings] == ([(line, code)] if code else [])
    assert (
        series.values.tolist() == [[1], [2]]
        and series.where == f"t.csv:{content[: content.index('2024')].count(chr(10)) + 1}"
    )


@pytest.mark.parametrize(
    "content",
    [
        "a,b\nNA,NA\n1,2\n3,4\n",
        "group_id,a\nx,NA\nx,1\nx,2\n",
        "date,a\n20240101T0000,NA\n20240101T0100,1\n20240101T0200,2\n",
        "day,a,b\nMon,-,-\nTue,1,2\nWed,1,3\n",
        "a,b\ninf,x\n1,2\n3,4\n",
        "city,a\nRome,low\nRome,1\nRome,2\n",
    ],
)
def test_a_first_row_without_values_is_no_row_of_units(content: str) -> None:
    found = scan_lines(csv_source(content.encode()))
    assert found.num_rows == content.count("\n") - 1 and not found.findings


@pytest.mark.parametrize(
    "content",
    [
        "city,date,a,b\n,yyyymmdd,m/s,%\nRome,20240101,1,5\n",
        "date,a\nUTC,kW\n2024-01-01,1\n",
        "date,city,a\n%Y-%m-%d %H:%M,-,\u00b0C\n2024-01-01 00:00,Rome,1\n",
    ],
)
def test_units_beside_texts_are_skipped(content: str) -> None:
    found = scan_lines(csv_source(content.encode()))
    assert [one.code for one in found.findings] == ["units-row"] and found.num_rows == 1


@pytest.mark.parametrize(
    ("content", "header"),
    [
        ("#,date,city,load\n1,2024-01-01,Rome,5\n2,2024-01-02,Rome,6\n", ("#", "date", "city", "load")),
        ("#id,city,load\na,Rome,5\nb,Rome,6\n", ("id", "city", "load")),
        ("# date,load\n2024-01-01,\n2024-01-02,6\n", ("date", "load")),
        ("# date,load\n,5\n2024-01-02,6\n", ("date", "load")),
        ("# made, by hand\n# date,load\n2024-01-01,1\n2024-01-02,6\n", ("date", "load")),
        ("# a, b, c\ndate,2019,2020\n2024-01-01,1\n2024-01-02,6\n", ("date", "2019", "2020")),
        ("# a, b\ndate,load\n2024-01-01,1\n2024-01-02,6\n", ("date", "load")),
    ],
)
def test_a_header_may_begin_with_the_mark_of_comments(content: str, header: tuple[str, ...]) -> None:
    found = scan_lines(csv_source(content.encode()))
    assert (found.header, found.num_rows) == (header, 2)


def test_a_commented_header_is_kept_by_the_line_that_mends(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("# date;load\n2024-01-01;1,5\n2024-01-02;6,5\n")
    (error,) = read_series(path, tmp_path, Columns("date"))[1]
    exec(error.reason.split('"')[1], {})
    (series,), _ = read_series(path, tmp_path, Columns("date"))
    assert series.values.tolist() == [[1.5], [6.5]]


def test_columns_that_look_like_times_say_how_to_name_them(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("day,a\n2024-01-01,1\n2024-01-02,2\n")
    _, (finding,) = read_series(tmp_path / "t.csv", tmp_path, Columns(None))
    assert finding.code == "column-left-out" and "dataset.columns.time='day'" in finding.reason
    (tmp_path / "t.csv").write_text(",a\n2024-01-01,1\n2024-01-02,2\n")
    _, (finding,) = read_series(tmp_path / "t.csv", tmp_path, Columns(None))
    assert finding.code == "column-unnamed" and "write date above it" in finding.reason
