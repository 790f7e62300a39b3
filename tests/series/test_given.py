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
