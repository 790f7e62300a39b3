"""Ways of writing times are told apart; clocks of time zones become UTC, the hours of their changes included."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from plx_train.ground.errors import ConfigError
from plx_train.series.calendar import calendar_features
from plx_train.series.frame import time_text, time_texts
from plx_train.series.read.reader import Columns, read_series
from plx_train.series.read.times import guess_format, parse_times
from plx_train.series.zones import find_zone, to_utc, utc_offsets

HOUR = 3600 * 10**9


def nanoseconds(*texts: str) -> list[int]:
    return np.asarray(texts, "datetime64[ns]").astype(np.int64).tolist()


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["2020-01-31", "2020-02-01"], "2020-01-31"),
        (["2020/01/31 06:30", "2020/02/01 06:30"], "2020-01-31T06:30"),
        (["2020-01-31T06:30:15", "2020-01-31T06:30:16"], "2020-01-31T06:30:15"),
        (["2020-01-31 06:30:15.250", "2020-01-31 06:30:15.500"], "2020-01-31T06:30:15.25"),
        (["31.01.2020", "01.02.2020"], "2020-01-31"),
        (["01/31/2020", "02/01/2020"], "2020-01-31"),
        (["31/01/2020 06:30:00", "01/02/2020 06:30:00"], "2020-01-31T06:30"),
        (["1/31/20", "2/1/20"], "2020-01-31"),
        (["01/31/2020 06:30 PM", "02/01/2020 06:30 AM"], "2020-01-31T18:30"),
        (["2020-01", "2020-02"], "2020-01-01"),
        (["20200131", "20200201"], "2020-01-31"),
        (["202001310630", "202001310700"], "2020-01-31T06:30"),
        (["2020-01-31 06", "2020-01-31 07"], "2020-01-31T06:00"),
        (["2020-01-31T06:30:00Z", "2020-01-31T07:30:00Z"], "2020-01-31T06:30"),
        (["2020-01-31T06:30:00+05:30", "2020-01-31T07:30:00+05:30"], "2020-01-31T01:00"),
        (["31 Jan 2020", "1 Feb 2020"], "2020-01-31"),
    ],
)
def test_ways_of_writing_times(texts: list[str], first: str) -> None:
    written = guess_format(texts)
    assert written is not None and written.is_datetime
    times, bad, odd = parse_times(pd.Series(texts), written)
    assert times[0] == nanoseconds(first)[0] and times[1] > times[0] - 13 * HOUR
    assert not bad.any() and not odd.any()


@pytest.mark.parametrize("texts", [["7", "8", "-9"], ["1577836800", "1577840400"], ["1.0", "2.0"], ["12345678", "9"]])
def test_integers_stay_integers(texts: list[str]) -> None:
    written = guess_format(texts)
    assert written is not None and not written.is_datetime
    assert parse_times(pd.Series(texts), written)[0].tolist() == [int(float(text)) for text in texts]


@pytest.mark.parametrize("texts", [[], ["", " "], ["0.5", "1.5"], ["spring", "summer"], ["12:30", "soon", "later"]])
def test_what_is_no_time(texts: list[str]) -> None:
    assert guess_format(texts) is None


def test_days_and_months_that_cannot_be_told_apart_are_warned_of(tmp_path: Path) -> None:
    written = guess_format(["01/02/2020", "02/02/2020", "03/02/2020"])
    assert written is not None and (written.format, written.or_else) == ("%m/%d/%Y", "%d/%m/%Y")
    # Read with the day first these go steadily on; with the month first they would jump back.
    steady = guess_format(["11/01/2020", "12/01/2020", "01/02/2020", "02/02/2020"])
    assert steady is not None and steady.format == "%d/%m/%Y"
    # One day beyond the twelfth settles it.
    settled = guess_format(["01/02/2020", "13/02/2020"])
    assert settled is not None and (settled.format, settled.or_else) == ("%d/%m/%Y", None)


def test_times_of_day_may_be_left_out_at_midnight() -> None:
    written = guess_format(["2020-01-01 23:00:00", "2020-01-01 22:00:00", "2020-01-02"])
    assert written is not None
    times, bad, _ = parse_times(pd.Series(["2020-01-01 23:00:00", "2020-01-02", "x"]), written)
    assert times[1] - times[0] == HOUR and bad.tolist() == [False, False, True]


def test_offsets_on_some_rows_alone_are_a_fault() -> None:
    with_offset = guess_format(["2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z"])
    without = guess_format(["2020-01-01T00:00:00", "2020-01-01T01:00:00"])
    assert with_offset is not None and without is not None
    cells = pd.Series(["2020-01-01T00:00:00Z", "2020-01-01T01:00:00"])
    assert parse_times(cells, with_offset)[2].tolist() == [False, True]
    assert parse_times(cells, without)[2].tolist() == [True, False]


def test_years_that_nanoseconds_cannot_hold_are_faults() -> None:
    written = guess_format(["2020-01-01", "2020-01-02"])
    assert written is not None
    assert parse_times(pd.Series(["1600-01-01", "2020-01-01", "9999-01-01"]), written)[1].tolist() == [
        True,
        False,
        True,
    ]


def test_clocks_become_utc_by_hand() -> None:
    # Berlin: from +1 to +2 at 2020-03-29 02:00, back at 2020-10-25 03:00 of the clocks.
    clocks = nanoseconds("2020-01-01T12:00", "2020-03-29T01:30", "2020-03-29T03:00", "2020-10-25T01:59")
    utc, never = to_utc(np.asarray(clocks), "Europe/Berlin", np.zeros(4, int))
    assert utc.tolist() == nanoseconds("2020-01-01T11:00", "2020-03-29T00:30", "2020-03-29T01:00", "2020-10-24T23:59")
    assert not never.any()


def test_the_hour_that_comes_twice_is_read_in_the_order_of_the_rows() -> None:
    half_hours = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    clocks = np.asarray(nanoseconds(*(f"2020-10-25T{clock}" for clock in half_hours)))
    utc, _ = to_utc(clocks, "Europe/Berlin", np.zeros(6, int))
    assert np.diff(utc).tolist() == [HOUR // 2] * 5
    # Two series row by row: each has its own passes.
    both, _ = to_utc(np.repeat(clocks, 2), "Europe/Berlin", np.tile([0, 1], 6))
    assert both[::2].tolist() == both[1::2].tolist() == utc.tolist()


def test_the_hour_that_never_comes_is_a_fault(tmp_path: Path) -> None:
    clocks = nanoseconds("2020-03-29T01:59", "2020-03-29T02:00", "2020-03-29T02:59", "2020-03-29T03:00")
    assert to_utc(np.asarray(clocks), "Europe/Berlin", np.zeros(4, int))[1].tolist() == [False, True, True, False]
    (tmp_path / "t.csv").write_text("date,a\n2020-03-29 01:00,1\n2020-03-29 02:00,2\n2020-03-29 03:00,3\n")
    _, (finding,) = read_series(tmp_path / "t.csv", tmp_path, Columns("date"), "Europe/Berlin")
    assert (finding.line, finding.level, finding.code) == (3, "error", "dst-missing-hour")
    assert "dataset.time_zone" in finding.reason


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
def test_clocks_and_back_for_a_whole_year(zone: str) -> None:
    utc = np.arange(nanoseconds("2019-12-25")[0], nanoseconds("2021-01-05")[0], HOUR // 2)
    offsets = utc_offsets(utc, zone)
    own = pd.DatetimeIndex(utc.astype("datetime64[ns]"), tz="UTC").tz_convert(zone).tz_localize(None)
    assert (utc + offsets == np.asarray(own).astype("datetime64[ns]").astype(np.int64)).all()
    again, never = to_utc(utc + offsets, zone, np.zeros(len(utc), int))
    assert (again == utc).all() and not never.any()


def test_a_file_with_clock_changes_is_regular_once_its_zone_is_named(tmp_path: Path) -> None:
    utc = pd.date_range("2020-10-24", "2020-10-27", freq="h", tz="UTC")
    frame = pd.DataFrame({"date": utc.tz_convert("Europe/Berlin").tz_localize(None), "a": np.arange(len(utc)) % 24})
    frame.to_csv(tmp_path / "t.csv", index=False)
    _, unnamed = read_series(tmp_path / "t.csv", tmp_path, Columns("date"))
    assert [finding.code for finding in unnamed if finding.level == "error"] == ["dst-repeated-hour"]
    assert "dataset.time_zone" in unnamed[0].reason
    (series,), named = read_series(tmp_path / "t.csv", tmp_path, Columns("date"), "Europe/Berlin")
    assert not named and np.diff(series.times).tolist() == [HOUR] * (len(utc) - 1)
    assert series.times[0] == nanoseconds("2020-10-24")[0]


def test_spring_without_a_zone_is_warned_of(tmp_path: Path) -> None:
    utc = pd.date_range("2020-03-28", "2020-03-31", freq="h", tz="UTC")
    frame = pd.DataFrame({"date": utc.tz_convert("Europe/Berlin").tz_localize(None), "a": np.arange(len(utc)) % 24})
    frame.to_csv(tmp_path / "t.csv", index=False)
    _, (finding,) = read_series(tmp_path / "t.csv", tmp_path, Columns("date"))
    assert (finding.level, finding.code) == ("warning", "dst-missing-hour")


def test_days_do_not_move_with_the_zone_nor_do_times_with_an_offset(tmp_path: Path) -> None:
    for first, second in (("2020-03-28", "2020-03-29"), ("2020-03-28T05:00:00+05:00", "2020-03-29T05:00:00+05:00")):
        (tmp_path / "t.csv").write_text(f"date,a\n{first},1\n{second},2\n")
        (series,), _ = read_series(tmp_path / "t.csv", tmp_path, Columns("date"), "Europe/Berlin")
        assert series.times.tolist() == nanoseconds("2020-03-28", "2020-03-29")


def test_a_mistyped_zone_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"dataset.time_zone=Europe/Berlni is no time zone: did you mean Europe/Berl"):
        find_zone("Europe/Berlni")
    for bad in ("../../etc/passwd", "", "Nowhere"):
        with pytest.raises(ConfigError):
            find_zone(bad)
    assert find_zone("Europe/Berlin") == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("2020-01-31", "2020-01-31"),
        ("2020-01-31T06:30", "2020-01-31 06:30"),
        ("2020-01-31T06:30:15", "2020-01-31 06:30:15"),
        ("2020-01-31T06:30:15.250", "2020-01-31 06:30:15.25"),
        ("2020-10-10T10:00", "2020-10-10 10:00"),
        ("2020-01-31T00:00:10", "2020-01-31 00:00:10"),
        ("2020-01-31T20:00:00", "2020-01-31 20:00"),
    ],
)
def test_times_are_told_shortly(text: str, short: str) -> None:
    assert time_text(nanoseconds(text)[0]) == short
    assert time_text(17, is_datetime=False) == "17"


def test_times_of_a_table_are_written_alike() -> None:
    days = np.asarray(nanoseconds("2020-01-31", "2020-02-01"))
    assert time_texts(days) == ["2020-01-31", "2020-02-01"]
    assert time_texts(days + np.asarray([0, HOUR])) == ["2020-01-31 00:00:00", "2020-02-01 01:00:00"]
    assert time_texts(np.asarray([3, 10]), is_datetime=False) == ["3", "10"]


def test_calendar_features_by_hand() -> None:
    # Friday, 31 January 2020, 23:00; Monday, 1 June 2020, the 153rd day of a leap year.
    times = np.asarray(nanoseconds("2020-01-31T23:00", "2020-06-01T00:00"))
    wanted = [[23 / 23, 31 / 30, 4 / 6, 31 / 364], [0, 1 / 30, 0, 153 / 364]]
    np.testing.assert_allclose(calendar_features(times), np.asarray(wanted) - 0.5, atol=1e-6)
    names = ("minuteofhour", "monthofyear", "weekofyear")
    wanted = [[0, 1 / 11, 5 / 51], [0, 6 / 11, 23 / 51]]
    np.testing.assert_allclose(calendar_features(times, names=names), np.asarray(wanted) - 0.5, atol=1e-6)
    assert calendar_features(times, is_datetime=False).shape == (2, 0)


def test_calendar_features_are_those_of_pandas() -> None:
    times = np.arange(nanoseconds("1969-06-01")[0], nanoseconds("1973-01-10")[0], 13 * HOUR + 60 * 10**9)
    stamps = pd.DatetimeIndex(times.astype("datetime64[ns]"))
    names = ("minuteofhour", "hourofday", "dayofmonth", "dayofweek", "dayofyear", "monthofyear", "weekofyear")
    own = np.stack([
        stamps.minute / 59, stamps.hour / 23, stamps.day / 30, stamps.day_of_week / 6, stamps.day_of_year / 364,
        stamps.month / 11, stamps.isocalendar().week.to_numpy(float) / 51,
    ], 1)  # fmt: skip
    np.testing.assert_allclose(calendar_features(times, names=names), own - 0.5, atol=1e-6)


def test_calendar_features_of_a_zone_are_those_of_its_clocks() -> None:
    hours = calendar_features(np.asarray(nanoseconds("2020-01-01T23:00")), names=("hourofday",), time_zone="Asia/Tokyo")
    assert round((float(hours[0, 0]) + 0.5) * 23) == 8
