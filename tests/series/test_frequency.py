"""The step of a series is found from its times, months and business days included, and read as pandas writes it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from plx_train.ground.errors import UserError
from plx_train.series.frequency import DAY, LAST_DAY, infer_frequency, parse_frequency
from plx_train.series.grid import find_gaps, future_times, grid_positions, grid_times

CASES = ["h", "15min", "D", "7D", "B", "MS", "ME", "QS", "QE", "YS", "YE", "2MS", "3D", "90s", "250ms", "ns", "YE-JUN"]


def times_of(freq: str, count: int = 60, start: str = "2020-01-01") -> np.ndarray:
    return pd.date_range(start, periods=count, freq=freq).to_numpy().astype("datetime64[ns]").astype(np.int64)


@pytest.mark.parametrize("freq", CASES)
def test_what_pandas_makes_is_found_again(freq: str) -> None:
    times = times_of(freq)
    frequency = infer_frequency(times, True)
    assert frequency is not None
    assert (times_of(str(frequency.text)) == times).all()
    future = future_times(times[:40], frequency, 20)
    np.testing.assert_array_equal(future, times[40:])


@pytest.mark.parametrize("freq", CASES)
def test_the_text_is_read_back_as_the_same_frequency(freq: str) -> None:
    frequency = infer_frequency(times_of(freq), True)
    assert frequency is not None and parse_frequency(frequency.text) == frequency


@pytest.mark.parametrize("seed", range(20))
def test_missing_rows_do_not_hide_it(seed: int) -> None:
    generator = np.random.default_rng(seed)
    freq = CASES[seed % len(CASES)]
    times = times_of(freq, 200)
    kept = np.sort(np.concatenate([[0, 199], generator.choice(np.arange(1, 199), 140, replace=False)]))
    frequency = infer_frequency(times[kept], True)
    assert frequency is not None and frequency == infer_frequency(times, True)
    gaps = find_gaps(times[kept], frequency)
    assert (gaps.num_missing, gaps.num_off_grid) == (58, 0)
    positions, is_on_grid = grid_positions(times[kept], frequency)
    assert (positions == kept).all() and is_on_grid.all()
    assert (grid_times(int(times[0]), np.arange(200), frequency) == times).all()


def test_two_by_hand() -> None:
    hourly = infer_frequency(np.asarray([0, 1, 2, 5]) * 3600 * 10**9, True)
    assert hourly is not None and (hourly.text, hourly.step) == ("1h", 3600 * 10**9)
    counted = infer_frequency(np.asarray([3, 8, 13, 23]), False)
    assert counted is not None and (counted.text, counted.step) == (5, 5)


@pytest.mark.parametrize("times", [[], [5], [5, 5], [0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 66]])
def test_none_where_there_is_none(times: list[int]) -> None:
    assert infer_frequency(np.asarray(times, np.int64), False) is None


def test_single_rows_beside_the_grid_and_repeated_ones_do_not_hide_it() -> None:
    times = np.sort(np.concatenate([times_of("h"), times_of("h")[:3], times_of("h")[10:12] + 7]))
    frequency = infer_frequency(times, True)
    assert frequency is not None and frequency.text == "1h"
    gaps = find_gaps(times, frequency)
    assert (gaps.num_off_grid, gaps.first_off_grid, gaps.num_missing) == (2, 14, 0)


def test_months_keep_to_their_day_even_the_last() -> None:
    ends = np.asarray(["2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"], "datetime64[ns]").astype(np.int64)
    frequency = infer_frequency(ends, True)
    assert frequency is not None and (frequency.text, frequency.day) == ("ME", LAST_DAY)
    late = np.asarray(["2020-01-30", "2020-02-29", "2020-03-30", "2020-04-30"], "datetime64[ns]").astype(np.int64)
    frequency = infer_frequency(late, True)
    assert frequency is not None and (frequency.text, frequency.day) == ("MS", 30)
    assert future_times(late, frequency, 1).astype("datetime64[ns]").astype("datetime64[D]").astype(str) == "2020-05-30"


def test_a_month_that_is_missing_is_a_gap_and_daylight_saving_is_not() -> None:
    months = np.delete(times_of("MS", 24), [5, 6])
    frequency = infer_frequency(months, True)
    assert frequency is not None and find_gaps(months, frequency).num_missing == 2
    assert find_gaps(months, frequency).first == 4 and find_gaps(months, frequency).first_missing == 2


def test_business_days_jump_the_weekend_and_count_holidays() -> None:
    days = times_of("B", 30)
    frequency = infer_frequency(days, True)
    assert frequency is not None and frequency.is_business and frequency.step == DAY
    assert find_gaps(days, frequency).num_missing == 0
    assert find_gaps(np.delete(days, 9), frequency).num_missing == 1
    # Daily rows of a fortnight with a weekend in it are days.
    assert infer_frequency(times_of("D", 14), True).text == "1D"  # type: ignore[union-attr]


def test_gaps_are_found_over_the_seams_of_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from plx_train.series import frequency as module
    from plx_train.series import grid

    times = np.delete(np.arange(1000), [3, 400, 401, 900])
    found = infer_frequency(times, False)
    assert found is not None
    whole = find_gaps(times, found)
    assert (whole.num_missing, whole.num_gaps, whole.first, whole.first_missing) == (4, 3, 2, 1)
    for rows in (1, 2, 7, 399, 400):
        monkeypatch.setattr(grid, "ROWS_AT_ONCE", rows)
        monkeypatch.setattr(module, "ROWS_AT_ONCE", rows)
        assert find_gaps(times, found) == whole and infer_frequency(times, False) == found


@pytest.mark.parametrize(
    ("text", "same"),
    [("H", "1h"), ("T", "1min"), ("60min", "1h"), ("24h", "1D"), ("W", "7D"), ("2W", "14D"), ("M", "ME"), ("A", "YE"),
     ("Q", "QE"), ("S", "1s"), ("1000ms", "1s"), (" 15 min ", "15min"), ("5", 5), (5, 5), ("W-SUN", "7D")],
)  # fmt: skip
def test_other_ways_of_writing_a_frequency(text: str | int, same: str | int) -> None:
    assert parse_frequency(text).text == same


@pytest.mark.parametrize("text", ["", "0", "-1h", "hour", "1.5h", "h-MON", "2B", "0D", "x"])
def test_what_is_no_frequency(text: str) -> None:
    with pytest.raises(UserError, match="is no frequency"):
        parse_frequency(text)
    with pytest.raises(UserError, match="did you mean 'min'"):
        parse_frequency("5mim")
