"""Seasons and periods are found where there are such, and a split's figures are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.series.frame import Series
from plx_train.series.frequency import parse_frequency
from plx_train.series.statistics import seasonal_period, series_statistics, strongest_periods

HOUR = 3600 * 10**9


def waves(rows: int, *periods: float, noise: float = 0.3, seed: int = 0) -> np.ndarray:
    """Sines of these periods and noise, (rows, 1)."""
    time = np.arange(rows)
    clean = sum((np.sin(2 * np.pi * time / period) for period in periods), np.zeros(rows))
    return (clean + noise * np.random.default_rng(seed).normal(size=rows))[:, None]


@pytest.mark.parametrize(
    ("freq", "period", "rows"),
    [("1h", 24, 500), ("15min", 96, 2000), ("1D", 7, 100), ("MS", 12, 60), ("QS", 4, 40), ("B", 5, 60),
     ("1h", 168, 1000), ("1", 17, 300), ("30s", 120, 1000)],
)  # fmt: skip
def test_a_season_is_found(freq: str, period: int, rows: int) -> None:
    assert seasonal_period(waves(rows, period), parse_frequency(freq)) == period


def test_a_trend_hides_no_season_and_is_none() -> None:
    hourly, trend = parse_frequency("1h"), np.arange(500.0)[:, None]
    assert seasonal_period(waves(500, 24) + trend, hourly) == 24
    assert seasonal_period(trend, hourly) is None
    assert seasonal_period(waves(500, noise=1).cumsum(0), hourly) is None


def test_noise_has_no_season() -> None:
    for freq in ("1h", "1", "MS"):
        assert seasonal_period(waves(400, noise=1), parse_frequency(freq)) is None


def test_a_season_must_fit_a_few_times_and_the_limit() -> None:
    hourly = parse_frequency("1h")
    assert seasonal_period(waves(71, 24), hourly) is None
    assert seasonal_period(waves(500, 24), hourly, longest=23) is None
    assert seasonal_period(waves(500, 24), None) is None


def test_the_strongest_of_day_and_week_is_the_season() -> None:
    hourly = parse_frequency("1h")
    assert seasonal_period(waves(2000, 24, 24, 24, 168, noise=0.1), hourly) in (24, 168)
    weekly = waves(2000, 24, noise=0.1) * (1 + 2 * (np.arange(2000) // 24 % 7 < 5))[:, None]
    assert seasonal_period(weekly, hourly) == 168


def test_missing_values_and_constant_columns_are_left_out() -> None:
    values = np.concatenate([waves(500, 24), np.full((500, 1), 5.0), np.full((500, 1), np.nan)], 1)
    values[100:110, 0] = np.nan
    assert seasonal_period(values, parse_frequency("1h")) == 24
    assert seasonal_period(values[:, 1:], parse_frequency("1h")) is None


def test_periods_are_those_of_the_largest_amplitudes() -> None:
    values = 3 * waves(960, 24, noise=0) + 2 * waves(960, 8, noise=0) + waves(960, 3, noise=0)
    assert strongest_periods(values, 96, 3) == [24, 8, 3]
    assert strongest_periods(values, 96, 1) == [24]


def test_periods_of_channels_are_averaged() -> None:
    values = np.concatenate([waves(960, 24), 2 * waves(960, 8), waves(960, 24)], 1)
    assert strongest_periods(values, 96, 2) == [8, 24]
    assert strongest_periods(np.concatenate([values, waves(960, 24, noise=0)], 1), 96, 1) == [24]


@pytest.mark.parametrize("length", [4, 5, 10, 96, 97, 336])
def test_periods_are_distinct_and_within_the_window(length: int) -> None:
    periods = strongest_periods(np.random.default_rng(0).normal(size=(1000, 3)), length, 10)
    assert len(periods) == len(set(periods)) and 1 <= len(periods) <= 10
    assert all(2 <= period <= length for period in periods)


def test_a_level_is_no_period_and_short_rows_have_none() -> None:
    assert strongest_periods(waves(500, 24) + 1e6, 96, 1) == [24]
    assert strongest_periods(waves(50, 24), 96, 3) == [] and strongest_periods(waves(50, 24), 3, 3) == []


def test_figures_by_hand() -> None:
    def series(rows: int, start: int, group: str, label: str | None = None) -> Series:
        values = np.stack([np.arange(rows, dtype=float), np.full(rows, 2.0)], 1)
        values[0, 0] = np.nan
        times = (start + np.arange(rows)) * HOUR
        return Series(f"t.csv:{group}", "t.csv:2", times, True, ("a", "b"), values, label=label, group=group)

    figures = series_statistics([series(3, 24, "x"), series(5, 0, "y")])
    assert figures == {
        "rows": 8,
        "series": 2,
        "series_length": {"min": 3, "p50": 4.0, "max": 5},
        "columns": 2,
        "from": "1970-01-01",
        "to": "1970-01-02 02:00",
        "frequency": "1h",
        "missing_share": 0.125,
        "season": None,
        "mean a": 2.16667,
        "std a": 1.06719,
        "mean b": 2.0,
        "std b": 0.0,
    }
    assert series_statistics([series(3, 0, "x", "up"), series(3, 0, "y", "up")])["classes"] == 1
    assert series_statistics([]) == {"rows": 0, "series": 0}


def test_many_columns_and_uneven_times_are_told_shortly() -> None:
    wide = Series("t", "t:2", np.asarray([0, 3, 7, 12]), False, tuple(map(str, range(300))), np.zeros((4, 300)))
    figures = series_statistics([wide])
    assert (figures["columns"], figures["frequency"], figures["season"]) == (300, "irregular", None)
    assert len(figures) < 60
