"""What users hand to a finished model: files, CSV in memory, data frames and arrays come out as the same series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plx_train.ground.errors import UserError
from plx_train.series.read.given import header_given, one_series, series_given
from plx_train.series.read.reader import Columns

COLUMNS = Columns("date", ("y",), "group_id")


def frame() -> pd.DataFrame:
    dates = pd.date_range("2024-01-01", periods=4, freq="D")
    one = pd.DataFrame({"group_id": "a", "date": dates, "y": [1.0, 2.0, 3.0, 4.0]})
    return pd.concat([one, one.assign(group_id="b", y=one["y"] + 10)], ignore_index=True)


def test_a_file_bytes_and_a_frame_are_the_same(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "t.csv", index=False)
    ways = [tmp_path / "t.csv", (tmp_path / "t.csv").read_bytes(), frame()]
    for given in ways:
        found = series_given(given, COLUMNS)
        assert [series.group for series in found] == ["a", "b"]
        np.testing.assert_array_equal(found[1].values[:, 0], [11, 12, 13, 14])
        assert found[1].is_datetime and found[1].times[0] == pd.Timestamp("2024-01-01").value
    assert header_given(ways[0]) == header_given(ways[1]) == ("group_id", "date", "y")
    assert header_given(frame()) is None


def test_rows_out_of_order_are_sorted() -> None:
    shuffled = frame().iloc[[3, 0, 2, 1]]
    for given in (shuffled, shuffled.to_csv(index=False).encode()):
        series = one_series(given, COLUMNS)
        np.testing.assert_array_equal(series.values[:, 0], [1, 2, 3, 4])
        assert (np.diff(series.times) > 0).all()


def test_one_series_needs_no_group() -> None:
    alone = frame().iloc[:4].drop(columns="group_id")
    for given in (alone, alone.to_csv(index=False).encode()):
        assert one_series(given, COLUMNS).group is None


def test_mixed_series_without_their_group_are_refused() -> None:
    mixed = frame().drop(columns="group_id")
    for given in (mixed, mixed.to_csv(index=False).encode()):
        with pytest.raises(UserError, match=r"stand twice|stands in line 2 already"):
            series_given(given, COLUMNS)


def test_frames_with_holes_are_refused() -> None:
    holes = frame()
    holes.loc[2, "date"] = pd.NaT
    with pytest.raises(UserError, match="rows without a time"):
        series_given(holes, COLUMNS)
    holes = frame()
    holes.loc[2, "group_id"] = None
    with pytest.raises(UserError, match="rows without a group"):
        series_given(holes, COLUMNS)
    with pytest.raises(UserError, match="holds no row"):
        series_given(frame().iloc[:0], COLUMNS)


def test_times_with_an_offset_become_utc() -> None:
    summer = frame().iloc[:4].assign(date=[f"2024-07-0{day}T02:00:00+02:00" for day in range(1, 5)])
    for given in (summer, summer.to_csv(index=False).encode()):
        assert one_series(given, COLUMNS).times[0] == pd.Timestamp("2024-07-01").value


@pytest.mark.parametrize("pattern", ["%d/%m/%Y", "%m/%d/%Y"])
def test_texts_of_a_frame_are_read_as_those_of_a_file(pattern: str) -> None:
    columns = Columns("date", ("y",), "group_id", time_format=pattern)
    texts = frame().assign(date=frame()["date"].dt.strftime(pattern))
    for given in (texts, texts.to_csv(index=False).encode(), texts.assign(date=texts["date"].astype("category"))):
        for one in series_given(given, columns):
            assert one.times.tolist() == [pd.Timestamp(f"2024-01-0{day}").value for day in range(1, 5)]
    alone = texts.iloc[:4].set_index("date").drop(columns="group_id")
    assert one_series(alone, columns).times[1] == pd.Timestamp("2024-01-02").value


@pytest.mark.parametrize("as_dates", [False, True])
def test_dates_and_times_of_day_of_a_frame_are_put_together(as_dates: bool) -> None:
    hours = pd.DataFrame({"date": ["2024-01-01"] * 4, "time": [f"{hour:02d}:00" for hour in range(4)], "y": 1.0})
    csv = hours.to_csv(index=False).encode()
    table = hours.assign(date=pd.to_datetime(hours["date"])) if as_dates else hours
    for given in (table, csv):
        for columns in (COLUMNS, Columns("date")):
            (series,) = series_given(given, columns)
            assert series.columns == ("y",) and np.diff(series.times).tolist() == [3600 * 10**9] * 3


def test_texts_that_are_no_times_are_refused() -> None:
    for texts in (["soon"] * 4, ["2024-01-01", "2024-01-02", "soon", "2024-01-04"]):
        with pytest.raises(UserError, match="times can't be understood: 'soon'"):
            series_given(frame().iloc[:4].assign(date=texts), COLUMNS)
