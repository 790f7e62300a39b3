"""Pictures of series show what they are given, in the right place, at the right size; ticks are round."""

from __future__ import annotations

import time

import numpy as np
import pytest

from plx_train.series.draw.axis import DAY, date_text, date_ticks, number_ticks, row_ticks
from plx_train.series.draw.canvas import BLACK, BLUE, ORANGE, RED, Canvas, Panel, _thinned, legend_width
from plx_train.series.draw.plot import (
    FUTURE,
    HEIGHT,
    LEFT,
    RIGHT,
    TRUE_SPAN,
    WIDTH,
    draw_forecast,
    draw_scores,
    draw_series,
    shown_times,
)
from plx_train.series.frame import Series

HOUR = 3600 * 10**9


def some(values: np.ndarray, *columns: str) -> Series:
    return Series("val.csv", "val.csv:2", np.arange(len(values)), False, columns, values)


def where(picture: np.ndarray, colour: tuple[int, int, int], near: int = 24) -> np.ndarray:
    """Rows and columns (N, 2) of pixels of about an RGB colour, below title and legend."""
    away = np.abs(picture[70:].astype(int) - np.asarray(colour[::-1])).max(2)
    return np.argwhere(away <= near) + np.asarray([70, 0])


def test_a_forecast_stands_behind_its_context() -> None:
    rising = np.linspace(0, 1, 96)
    picture = draw_forecast(rising, np.full(24, 1.0), np.full(24, 0.5), title="window 3")
    assert picture.shape == (HEIGHT, WIDTH, 3) and picture.dtype == np.uint8
    seen, truth, forecast = (where(picture, colour) for colour in (BLUE, BLACK, ORANGE))
    border = LEFT + (WIDTH - LEFT - RIGHT) * 95.5 / 119
    assert seen[:, 1].max() < border + 2 and forecast[:, 1].min() > border - 2
    assert abs(np.median(truth[truth[:, 1] > border + 20, 0]) - seen[:, 0].min()) < 4
    assert abs(np.median(forecast[:, 0]) - (seen[:, 0].min() + seen[:, 0].max()) / 2) < 5
    # Rising to the right: the first row lies at the left below, the last at the right above.
    assert seen[seen[:, 1].argmin(), 0] > seen[seen[:, 1].argmax(), 0] + 200
    assert len(where(picture, FUTURE, near=1)) > 10_000


def test_without_truth_there_is_no_black_line_and_a_band_is_filled() -> None:
    context, forecast = np.zeros(48), np.zeros(24)
    plain = draw_forecast(context, None, forecast)
    banded = draw_forecast(context, None, forecast, band=(forecast - 1, forecast + 1))
    assert len(where(plain, BLACK)) == 0
    changed = (plain != banded).any(2)
    assert changed[100:350].mean() > 0.1


def test_anomalies_are_marked_where_they_are() -> None:
    rows = 400
    series = some(np.sin(np.arange(rows) / 5)[:, None], "a")
    scores, labels = np.full(rows, 0.2), np.zeros(rows)
    scores[300:310], labels[100:120] = 2.0, 1
    picture = draw_scores(series, scores, 1.0, labels)
    assert picture.shape == (468, WIDTH, 3)
    wide = WIDTH - LEFT - RIGHT
    spans = where(picture, TRUE_SPAN, near=2)[:, 1]
    assert abs(spans.min() - (LEFT + wide * 99.5 / 399)) < 3 and abs(spans.max() - (LEFT + wide * 119.5 / 399)) < 3
    found = where(picture, ORANGE, near=4)[:, 1]
    assert abs(found.min() - (LEFT + wide * 299.5 / 399)) < 3 and abs(found.max() - (LEFT + wide * 309.5 / 399)) < 3
    threshold = where(picture, RED)[:, 0]
    assert len(threshold) > 200 and np.ptp(threshold) <= 4
    # What was found by other means is shown, not the scores above the threshold.
    none = draw_scores(series, scores, 1.0, labels, np.zeros(rows))
    assert len(where(none, ORANGE, near=4)) == 0


@pytest.mark.parametrize(("channels", "height"), [(1, 388), (2, 438), (3, 618), (8, 1118), (30, 1118)])
def test_channels_stand_below_each_other(channels: int, height: int) -> None:
    picture = draw_series(np.random.default_rng(0).normal(size=(100, channels)), "train.csv")
    assert picture.shape == (height, WIDTH, 3)
    blue = where(picture, BLUE)
    assert len(blue) > 500 and blue[:, 0].max() < 72 + 310


def test_a_gap_is_a_gap() -> None:
    values = np.zeros(100)
    values[40:60] = np.nan
    columns = np.unique(where(draw_series(values), BLUE)[:, 1])
    wide = WIDTH - LEFT - RIGHT
    inside = (columns > LEFT + wide * 39.5 / 99) & (columns < LEFT + wide * 59.5 / 99)
    assert not inside.any() and len(columns) > 600


@pytest.mark.parametrize(
    "values", [np.full(10, 5.0), np.asarray([1.0]), np.full((10, 2), np.nan), np.asarray([1e300, -1e300]), np.zeros(3)]
)
def test_odd_series_are_drawn_all_the_same(values: np.ndarray) -> None:
    picture = draw_series(values, "odd")
    assert picture.min() < 128 and picture.shape[1] == WIDTH
    assert draw_forecast(values.reshape(len(values), -1)[:, 0], None, np.asarray([np.nan])).shape == (HEIGHT, WIDTH, 3)


def test_a_spike_is_never_thinned_away() -> None:
    values = np.zeros(500_000)
    values[123_456], values[400_000] = 5, -5
    blue = where(draw_series(values), BLUE)
    assert np.ptp(blue[:, 0]) > 200
    points = np.stack([np.arange(1000) / 100, np.zeros(1000)], 1)
    points[777, 1] = 1
    thin = _thinned(points)
    assert len(thin) < 100 and [7.77, 1.0] in thin.tolist() and thin[0, 0] == 0 and thin[-1, 0] == 9.99


def test_a_legend_that_is_too_wide_leaves_the_names_out() -> None:
    names = [f"sensor_with_a_long_name_{place}" for place in range(8)]
    assert legend_width([(name, BLUE, "line") for name in names]) > WIDTH
    values, scores = np.zeros((50, 8)), np.zeros(50)
    named, others, short = (
        draw_scores(some(values, *columns), scores, 1)
        for columns in (names, [f"{name}_too" for name in names], "abcdefgh")
    )
    assert (named[:70] == others[:70]).all()
    assert (short[:70] != named[:70]).any()


def test_words_do_not_leave_the_picture() -> None:
    picture = draw_series(np.asarray([5_000_000.25, 5_000_000.75]), "a " * 200)
    assert (picture[:, :2] == 255).all() and (picture[:, -2:] == 255).all()


def test_a_line_goes_through_its_points() -> None:
    canvas = Canvas(100, 60)
    canvas.line(np.asarray([[10.0, 10], [90, 50]]), BLUE, 2)
    picture = canvas.image()
    places = where(np.concatenate([np.full((70, 100, 3), 255, np.uint8), picture]), BLUE) - [70, 0]
    assert len(places) > 50
    np.testing.assert_allclose(places[:, 0], 10 + (places[:, 1] - 10) / 2, atol=2)
    assert Panel(0, 0, 10, 20, 0, 1, 0, 1).y(np.asarray([0.0, 1.0])).tolist() == [20, 0]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-1, 1, ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        (0, 100, ["0", "20", "40", "60", "80", "100"]),
        (990, 2400, ["1000", "1250", "1500", "1750", "2000", "2250"]),
        (0, 40_000, ["0", "10k", "20k", "30k", "40k"]),
        (0, 6e7, ["0", "10M", "20M", "30M", "40M", "50M", "60M"]),
        (5, 5, ["5"]),
        (0, 3e-9, ["0", "5e-10", "1e-09", "1.5e-09", "2e-09", "2.5e-09", "3e-09"]),
    ],
)
def test_numbers_on_axes_are_round(low: float, high: float, texts: list[str]) -> None:
    assert [text for _, text in number_ticks(low, high)] == texts


@pytest.mark.parametrize(
    ("first", "last", "texts"),
    [
        ("2024-03-01", "2024-03-15T23", ["2 Mar 2024", "4 Mar", "6 Mar", "8 Mar", "10 Mar", "12 Mar", "14 Mar"]),
        ("2024-03-01T20", "2024-03-02T06", ["1 Mar 20:00", "22:00", "2 Mar", "02:00", "04:00", "06:00"]),
        (
            "2024-03-01T20:00:00.25",
            "2024-03-01T20:00:00.4",
            ["1 Mar 20:00:00.26", *(f"20:00:00.{part}" for part in range(28, 41, 2))],
        ),
        ("2019-11-01", "2020-04-01", ["Nov 2019", "Dec", "Jan 2020", "Feb", "Mar", "Apr"]),
        ("2015-01-01", "2020-12-31", ["2015", "2016", "2017", "2018", "2019", "2020"]),
        ("1900-01-01", "2020-01-01", ["1900", "1920", "1940", "1960", "1980", "2000", "2020"]),
    ],
)
def test_dates_on_axes_are_round(first: str, last: str, texts: list[str]) -> None:
    low, high = (int(np.datetime64(text, "ns").astype(np.int64)) for text in (first, last))
    assert [text for _, text in date_ticks(low, high)] == texts


@pytest.mark.parametrize("seconds", [1e-6, 3, 50, 1e3, 2e4, 1e5, 1e6, 1e7, 1e8, 1e9, 5e9])
def test_no_axis_is_bare_or_crowded(seconds: float) -> None:
    for start in (0, 1_580_000_000_123_456_789):
        ticks = date_ticks(start, start + int(seconds * 1e9))
        assert 2 <= len(ticks) <= 11
        # Of so many nanoseconds float64 keeps all but the last few hundred.
        assert all(start - 300 <= value <= start + seconds * 1e9 + 300 for value, _ in ticks)


def test_rows_have_their_own_times() -> None:
    assert row_ticks(None, 101) == [(0, "0"), (20, "20"), (40, "40"), (60, "60"), (80, "80"), (100, "100")]
    assert [text for _, text in row_ticks(np.arange(500, 601), 101)] == ["500", "520", "540", "560", "580", "600"]
    assert [text for _, text in row_ticks(["spring", "summer", "autumn"], 3)] == ["spring", "summer", "autumn"]
    assert row_ticks(None, 1) == [(0.0, "0")] and row_ticks(["x"], 1) == [(0.0, "x")]
    # Row 2 of unevenly spaced times stands where its time is.
    hours = np.asarray([0, 1, 2, 12]) * HOUR
    ticks = {text: row for row, text in row_ticks(shown_times(hours, True), 4)}
    assert ticks["1 Jan"] == 0 and ticks["02:00"] == 2 and 2 < ticks["04:00"] < 3


def test_a_date_has_as_many_words_as_it_needs() -> None:
    instant = int(np.datetime64("2024-03-09T06:05:30", "ns").astype(np.int64))
    assert date_text(instant, 10**9, None) == "9 Mar 06:05:30"
    assert date_text(instant, 60 * 10**9, instant - HOUR) == "06:05"
    assert date_text(instant, DAY, instant - DAY) == "9 Mar"
    assert date_text(instant, 400 * DAY, None) == "2024"


def test_many_anomalies_are_drawn_at_once() -> None:
    marks = np.arange(200_000) % 2
    began = time.perf_counter()
    picture = draw_scores(some(np.zeros((200_000, 1)), "a"), marks * 2.0, 1.0, marks)
    assert time.perf_counter() - began < 3
    assert (picture != 255).any()
