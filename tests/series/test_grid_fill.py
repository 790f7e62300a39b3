"""Missing values and rows are filled as the policy says, or refused with their place."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.ground.errors import ConfigError, DataError
from plx_train.series.frame import Series
from plx_train.series.frequency import Frequency, infer_frequency
from plx_train.series.read.fill import MAX_GROWTH, POLICIES, fill_series

NAN = np.nan
STEP = Frequency(1, 1)


def series(values: list[float], times: list[int] | None = None, group: str | None = None) -> Series:
    column = np.asarray(values, np.float64)[:, None]
    instants = np.asarray(times if times is not None else range(len(values)), np.int64)
    return Series("t.csv", "t.csv:2", instants, False, ("a",), column, group=group)


def filled(policy: str, values: list[float], times: list[int] | None = None) -> tuple[list[float], list[int], int]:
    whole, count = fill_series(series(values, times), policy, STEP)
    return whole.values[:, 0].tolist(), whole.times.tolist(), count


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ("linear", [2, 2, 4, 6, 8, 8]),
        ("zero", [0, 2, 0, 0, 8, 0]),
        ("mean", [5, 2, 5, 5, 8, 5]),
    ],
)
def test_missing_values_by_hand(policy: str, wanted: list[float]) -> None:
    assert filled(policy, [NAN, 2, NAN, NAN, 8, NAN]) == (wanted, [0, 1, 2, 3, 4, 5], 4)


def test_forward_takes_the_last_value_and_nothing_later() -> None:
    assert filled("forward", [2, NAN, NAN, 8, NAN]) == ([2, 2, 2, 8, 8], [0, 1, 2, 3, 4], 3)
    with pytest.raises(DataError, match=r"lacks its first 2 values, and dataset.fill=forward has nothing before"):
        filled("forward", [NAN, NAN, 3])


def test_drop_leaves_rows_out_and_puts_none_in() -> None:
    assert filled("drop", [1, NAN, 3], [0, 1, 5]) == ([1, 3], [0, 5], 1)
    with pytest.raises(DataError, match="every row lacks a value"):
        filled("drop", [NAN, NAN])


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [("linear", [1, 2, 3, 4, 5]), ("forward", [1, 1, 1, 4, 5]), ("zero", [1, 0, 0, 4, 5])],
)
def test_missing_rows_are_put_in_by_hand(policy: str, wanted: list[float]) -> None:
    assert filled(policy, [1, 4, 5], [10, 13, 14]) == (wanted, [10, 11, 12, 13, 14], 2)


def test_missing_months_stand_on_their_day() -> None:
    days = ["2020-01-31", "2020-02-29", "2020-03-31", "2020-05-31", "2020-06-30"]
    times = np.asarray(days, "datetime64[ns]").astype(np.int64)
    whole, count = fill_series(
        Series("t.csv", "t.csv:2", times, True, ("a",), np.arange(5.0)[:, None]), "linear", infer_frequency(times, True)
    )
    assert count == 1 and str(whole.times.astype("datetime64[ns]").astype("datetime64[D]")[3]) == "2020-04-30"
    assert whole.values[:, 0].tolist() == [0, 1, 2, 2.5, 3, 4]


def test_nothing_missing_is_nothing_copied() -> None:
    whole = series([1, 2, 3])
    for policy in POLICIES:
        same, count = fill_series(whole, policy, STEP)
        assert same is whole and count == 0


def test_the_original_is_left_as_it_was() -> None:
    holed = series([1, NAN, 3])
    fill_series(holed, "linear", STEP)
    assert np.isnan(holed.values[1, 0])


def test_an_error_says_what_is_missing_and_what_to_do() -> None:
    with pytest.raises(DataError) as caught:
        fill_series(series([1, NAN, NAN, 4], [0, 1, 2, 5], group="store_3"), "error", STEP)
    assert str(caught.value) == (
        "series store_3: 2 values are missing, the first at 1 and 2 rows are missing, the first after 2; "
        "set dataset.fill to linear, forward, zero, mean, drop, or mend the file"
    )
    with pytest.raises(DataError, match=r"^1 row is missing, the first after 0; "):
        fill_series(series([1, 2], [0, 2]), "error", STEP)


def test_rows_beside_the_grid_are_left_there() -> None:
    instants = [0, 10, 20, 33, 40, 60]
    whole, count = fill_series(series([1, 2, NAN, 4, 5, 6], instants), "linear", Frequency(10, 10))
    assert whole.times.tolist() == instants and count == 1
    assert whole.values[:, 0].tolist() == [1, 2, 3, 4, 5, 6]


def test_without_a_frequency_values_alone_are_filled() -> None:
    whole, count = fill_series(series([1, NAN, 4], [0, 1, 90]), "linear", None)
    assert whole.values[:, 0].tolist() == [1, 2.5, 4] and count == 1


def test_a_mistyped_year_is_told_not_filled() -> None:
    far = 3 * MAX_GROWTH + 3
    assert len(fill_series(series([1, 2, 3], [0, 1, far - 1]), "zero", STEP)[0]) == far
    with pytest.raises(DataError, match="is a time mistyped"):
        fill_series(series([1, 2, 3], [0, 1, far]), "zero", STEP)


def test_rows_of_the_same_time_cannot_be_put_on_a_grid() -> None:
    with pytest.raises(DataError, match="rows have the same time"):
        fill_series(series([1, 2, 3], [0, 0, 2]), "zero", STEP)


def test_a_column_without_a_value_can_only_be_zero() -> None:
    assert filled("zero", [NAN, NAN])[0] == [0, 0]
    for policy in ("linear", "forward", "mean"):
        with pytest.raises(DataError, match=r"column a has no value: leave it out, or set dataset.fill=zero"):
            filled(policy, [NAN, NAN])


def test_flags_are_never_made_up() -> None:
    values = np.asarray([[1, 1], [NAN, NAN], [3, 1]])
    whole, _ = fill_series(Series("t.csv", "t.csv:2", np.arange(3), False, ("a", "flag"), values), "linear", STEP,
                           ("flag",))  # fmt: skip
    assert whole.values.tolist() == [[1, 1], [2, 0], [3, 1]]


def test_an_unknown_policy_names_the_others() -> None:
    with pytest.raises(ConfigError, match=r"dataset.fill=spline is no policy: choose one of error, linear, forward"):
        fill_series(series([1]), "spline", STEP)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_known_stays_and_nothing_is_missing(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=50)
    values[1:][generator.random(49) < 0.4] = NAN
    times = np.sort(np.concatenate([[0, 1], generator.choice(np.arange(2, 90), 48, replace=False)]))
    for policy in ("linear", "forward", "zero", "mean"):
        whole, _ = fill_series(series(values.tolist(), times.tolist()), policy, STEP)
        assert np.isfinite(whole.values).all() and len(whole) == times[-1] + 1
        known = np.isfinite(values)
        np.testing.assert_array_equal(whole.values[times[known], 0], values[known])
        inside = (whole.values >= np.nanmin([*values, 0])) & (whole.values <= np.nanmax([*values, 0]))
        assert inside.all()


@pytest.mark.parametrize("cut", [5, 12, 20])
def test_forward_alone_never_looks_ahead(cut: int) -> None:
    values = [0, 1, NAN, 3, NAN, NAN, 6, 7, NAN, NAN, NAN, 11, NAN, 13, NAN, NAN, 16, 17, NAN, NAN, 20, 21]
    whole, part = filled("forward", values)[0], filled("forward", values[:cut])[0]
    assert whole[:cut] == part
    later = {
        policy: filled(policy, values)[0][:cut] != filled(policy, values[:cut])[0] for policy in ("linear", "mean")
    }
    assert later["mean"] and later["linear"] == bool(np.isnan(values[cut - 1]))
