"""Rows of another step than a model's are refused; gaps, clock changes and a few rows are no other step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from plx_train.ground.errors import UserError
from plx_train.series.frame import Series
from plx_train.series.step import check_steps


def series(times: pd.DatetimeIndex | np.ndarray) -> Series:
    is_datetime = isinstance(times, pd.DatetimeIndex)
    whole = times.to_numpy().astype("datetime64[ns]").astype(np.int64) if is_datetime else times
    return Series("t.csv", "t.csv:2", whole, is_datetime, ("a",), np.zeros((len(times), 1)))


def dates(freq: str, periods: int = 40, start: str = "2024-01-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=periods, freq=freq)


DAY_15 = dates("MS") + pd.Timedelta(days=14)


@pytest.mark.parametrize(
    ("times", "trained"),
    [
        (dates("h"), "1h"),
        (dates("h", 1), "1D"),
        (dates("h", 2), "1h"),
        (dates("h").delete([3, 4, 9, 20]), "1h"),
        (pd.date_range("2024-03-30", "2024-04-01", freq="h", tz="Europe/Berlin").tz_localize(None), "1h"),
        (dates("h") + pd.to_timedelta(np.arange(40) % 7, "s"), "1h"),
        (dates("MS"), "MS"),
        (dates("MS", 2, "2024-02-01"), "MS"),
        (dates("MS", 3), "MS"),
        (DAY_15, "MS"),
        (dates("ME"), "ME"),
        (dates("QS"), "QS"),
        (dates("QS-FEB"), "QS"),
        (dates("QE", 2), "QE"),
        (dates("YS", 3), "YS"),
        (dates("B"), "B"),
        (dates("B", 4), "B"),
        (dates("7D"), "7D"),
        (dates("D"), "1"),
        (np.arange(0, 100, 5), "5"),
        (np.asarray([0, 1, 4, 9, 25, 26]), "1"),
        (dates("D"), "C"),
        (dates("h", 3).delete(1), "1h"),
        (dates("h", 9).delete([1, 2, 4, 6]), "1h"),
        (dates("MS", 5).delete([1, 3]), "MS"),
        (dates("ME", 4).delete([1, 2]), "ME"),
        (dates("QS", 3).delete(1), "QS"),
        (pd.DatetimeIndex(["2024-01-05", "2024-01-08"]), "B"),
        (pd.DatetimeIndex(["2024-01-05", "2024-01-09", "2024-01-10"]), "B"),
        (np.cumsum([3, 3, 1, 3, 3, 2, 3, 3, 3, 4]), "1"),
        (np.asarray([0, 5]), "1"),
    ],
)
def test_the_step_of_the_model(times: pd.DatetimeIndex | np.ndarray, trained: str) -> None:
    check_steps([series(times)], trained)


@pytest.mark.parametrize(
    ("times", "trained", "told"),
    [
        (dates("D"), "1h", "1D"),
        (dates("h"), "1D", "1h"),
        (dates("2h"), "1h", "2h"),
        (dates("30min"), "1h", "30min"),
        (dates("MS"), "1D", "MS"),
        (dates("D"), "MS", "1D"),
        (dates("ME"), "MS", "ME"),
        (dates("QS"), "MS", "QS"),
        (dates("MS"), "YS", "MS"),
        (dates("D"), "B", "1D"),
        (dates("7D"), "B", "7D"),
        (dates("B"), "1D", "B"),
        (dates("D", 2), "1h", "1D"),
        (dates("h") + pd.to_timedelta(np.arange(40) ** 2 * 17, "min"), "1h", "unevenly"),
        (np.arange(0, 100, 2), "1", "2"),
        (np.arange(0, 100, 5), "1", "5"),
        (dates("2h", 4), "1h", "2h"),
        (dates("MS", 2), "1D", "MS"),
        (dates("7D", 3), "B", "7D"),
    ],
)
def test_another_step_is_refused(times: pd.DatetimeIndex | np.ndarray, trained: str, told: str) -> None:
    with pytest.raises(UserError, match=rf"t.csv: its rows are {told} apart, .* was trained on {trained}: resample"):
        check_steps([series(times)], trained)


def test_counted_rows_are_no_dates() -> None:
    with pytest.raises(UserError, match=r"its times are whole numbers, .* dates, 1h apart"):
        check_steps([series(np.arange(5))], "1h")


@pytest.mark.parametrize(
    ("times", "steps"),
    [
        (np.arange(40), "even"),
        (np.delete(np.arange(40), [3, 4, 20]), "even"),
        (np.asarray([0, 1, 4, 9, 25, 26]), "even"),
        (np.asarray([7]), "even"),
        (np.arange(0, 200, 5), "uneven"),
        (np.asarray([0, 1, 4, 9, 25, 26]), "uneven"),
    ],
)
def test_whole_numbers_that_fit_a_model_of_step_1(times: np.ndarray, steps: str) -> None:
    check_steps([series(times)], "1", steps)


@pytest.mark.parametrize(
    "times", [np.arange(0, 80, 2), np.delete(np.arange(0, 80, 2), [3, 4, 20]), np.arange(0, 600, 15)]
)
def test_whole_numbers_of_another_step_are_refused_with_gaps_too(times: np.ndarray) -> None:
    with pytest.raises(UserError, match="resample the table"):
        check_steps([series(times)], "1", "even")
