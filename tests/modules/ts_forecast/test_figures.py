"""Figures, baselines and weights of forecasts, against examples written out by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from plx_train.ground.errors import ConfigError, DataError
from plx_train.modules.ts_forecast.baselines import fit_linear, seasonal_naive, window_moments
from plx_train.modules.ts_forecast.fusion import fused
from plx_train.modules.ts_forecast.metric import mae, mase, mse, pinball, seasonal_scale, smape
from plx_train.modules.ts_forecast.stack import error_products, non_negative_weights


def one_channel(*values: float) -> np.ndarray:
    return np.asarray(values, np.float64)[None, :, None]


def windows_of(values: np.ndarray, size: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(values, size)


def test_errors_by_hand() -> None:
    prediction, truth = one_channel(1, 2, 0, -1), one_channel(2, 2, 0, 3)
    assert mse(prediction, truth) == (1 + 16) / 4
    assert mae(prediction, truth) == (1 + 4) / 4
    # 200·1/3, 0, 0/0 as 0, and opposite signs, which are as wrong as can be.
    assert smape(prediction, truth) == pytest.approx((200 / 3 + 0 + 0 + 200) / 4)


def test_mase_divides_each_channel_by_its_own_naive_error() -> None:
    training = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 25.0], [5.0, 5.0]])
    # Two rows apart: |2 − 0|, |5 − 1| and |25 − 5|, |5 − 5|.
    scale = seasonal_scale(training, 2)
    assert scale.tolist() == [3.0, 10.0]
    prediction, truth = np.array([[[1.0, 10.0]]]), np.array([[[4.0, 15.0]]])
    assert mase(prediction, truth, scale) == (3 / 3 + 5 / 10) / 2
    assert mase(prediction, truth, np.array([3.0, 0.0])) == 1.0
    assert np.isnan(mase(prediction, truth, np.zeros(2)))
    with pytest.raises(DataError, match="4 rows hold no two that are 4 apart"):
        seasonal_scale(training, 4)


def test_pinball_by_hand() -> None:
    prediction = np.array([[[[1.0, 1.0]]], [[[5.0, 5.0]]]])
    truth = np.full((2, 1, 1), 3.0)
    # Two below the truth: 2·0.1 and 2·0.5; two above: 2·0.9 and 2·0.5.
    assert pinball(prediction, truth, (0.1, 0.5)) == pytest.approx((0.2 + 1 + 1.8 + 1) / 4)
    with pytest.raises(ConfigError, match="3 quantiles are asked for and the network gives 2"):
        pinball(prediction, truth, (0.1, 0.5, 0.9))


def test_the_last_season_comes_again() -> None:
    context = one_channel(9, 9, 1, 2, 3)
    assert seasonal_naive(context, 5, 3)[0, :, 0].tolist() == [1, 2, 3, 1, 2]
    assert seasonal_naive(context, 2, 1)[0, :, 0].tolist() == [3, 3]
    with pytest.raises(ConfigError, match="a season of 6 rows does not fit a context of 5"):
        seasonal_naive(context, 2, 6)


def test_moments_of_windows_without_windows() -> None:
    values = np.random.default_rng(0).normal(size=50) + 3
    for size in (1, 7, 50):
        windows, found = windows_of(values, size), window_moments(values, size)
        assert found.count == len(windows)
        np.testing.assert_allclose(found.sums, windows.sum(axis=0))
        np.testing.assert_allclose(found.products, windows.T @ windows)


def test_linear_baseline_is_ridge_of_scikit_learn() -> None:
    from sklearn.linear_model import Ridge

    random = np.random.default_rng(0)
    series = random.normal(size=(80, 2)).cumsum(axis=0)
    found = fit_linear([series], 6, 2, alphas=(3.0,))
    windows = np.concatenate([windows_of(series[:, channel], 8) for channel in range(2)])
    theirs = Ridge(alpha=3.0).fit(windows[:, :6], windows[:, 6:])
    np.testing.assert_allclose(found.weights, theirs.coef_.T, atol=1e-8)
    context = random.normal(size=(5, 6, 2))
    for channel in range(2):
        np.testing.assert_allclose(
            found.predict(context)[..., channel], theirs.predict(context[..., channel]), atol=1e-8
        )
    assert found.num_windows == len(windows)


def test_the_penalty_is_the_one_that_serves_the_last_windows() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(size=(60, 1))
    # Nothing can be learned from noise: the largest penalty. A wave without noise: the smallest.
    assert fit_linear([noise], 12, 2).alpha == 1e4
    assert fit_linear([np.sin(np.arange(300) * 0.3)[:, None]], 12, 2).alpha == 1e-2


def test_the_chosen_penalty_has_the_least_error_on_held_out_windows() -> None:
    series = np.random.default_rng(5).normal(size=(200, 1)).cumsum(axis=0)
    # 191 windows of 10 rows: 38 are held out, on the last 47 rows; the rest is fitted alone.
    errors = {}
    for alpha in (1e-2, 1.0, 1e2, 1e4):
        fitted = fit_linear([series[:-47]], 8, 2, alphas=(alpha,))
        windows = windows_of(series[-47:, 0], 10)[..., None]
        errors[alpha] = mse(fitted.predict(windows[:, :8]), windows[:, 8:])
    assert fit_linear([series], 8, 2, alphas=tuple(errors)).alpha == min(errors, key=lambda each: errors[each])


def test_series_of_several_lengths_and_too_short_ones() -> None:
    long, short = np.arange(30.0)[:, None], np.arange(5.0)[:, None]
    assert fit_linear([long, short], 6, 2).num_windows == 23
    with pytest.raises(DataError, match=r"needs 8 training rows .* the longest series has 5"):
        fit_linear([short], 6, 2)


def test_weights_by_hand() -> None:
    truth = np.zeros((2, 1, 1))
    # Errors (2, 0) and (0, 1): w₁²·4 + w₂²·1 is least at 1/5 and 4/5.
    predictions = np.array([[2.0, 0.0], [0.0, 1.0]]).reshape(2, 2, 1, 1)
    np.testing.assert_allclose(non_negative_weights(predictions, truth), [0.2, 0.8])
    assert mse(fused(predictions, np.array([0.2, 0.8]), False), truth) == pytest.approx((0.16 + 0.64) / 2)


def test_a_member_that_would_be_subtracted_gets_nothing() -> None:
    # Errors (1, 1) and (2, 3): the second only adds to the first.
    predictions = np.array([[1.0, 1.0], [2.0, 3.0]]).reshape(2, 2, 1, 1)
    assert non_negative_weights(predictions, np.zeros((2, 1, 1))).tolist() == [1.0, 0.0]


def test_members_alike_perfect_or_alone() -> None:
    truth = np.random.default_rng(0).normal(size=(4, 3, 2))
    off = truth + np.random.default_rng(1).normal(size=truth.shape)
    assert non_negative_weights(off[None], truth).tolist() == [1.0]
    assert non_negative_weights(np.stack([off, off]), truth).tolist() == [1.0, 0.0]
    assert non_negative_weights(np.stack([off, truth]), truth).tolist() == [0.0, 1.0]
    assert non_negative_weights(np.stack([off, off * 1e12]), truth).tolist() == [1.0, 0.0]


def test_no_weights_on_a_fine_grid_are_better() -> None:
    random = np.random.default_rng(2)
    truth = random.normal(size=(30, 2, 1))
    for _ in range(10):
        predictions = truth + random.normal(size=(3, 30, 2, 1)) + random.normal(size=(3, 1, 1, 1))
        products = error_products(predictions, truth)
        found = non_negative_weights(predictions, truth)
        assert found.min() >= 0
        assert found.sum() == pytest.approx(1.0)
        grid = [np.array([i, j, 50 - i - j]) / 50 for i, j in product(range(51), repeat=2) if i + j <= 50]
        assert found @ products @ found <= min(each @ products @ each for each in grid) + 1e-12


def test_mean_and_median() -> None:
    predictions = np.array([1.0, 2.0, 9.0]).reshape(3, 1, 1, 1)
    assert fused(predictions, np.full(3, 1 / 3), False).item() == pytest.approx(4.0)
    assert fused(predictions, np.full(3, 1 / 3), True).item() == 2.0


def test_members_that_cannot_be_weighed() -> None:
    with pytest.raises(ConfigError, match="13 members are too many"):
        non_negative_weights(np.zeros((13, 1, 1, 1)), np.zeros((1, 1, 1)))
    with pytest.raises(DataError, match="member 2 of 2 forecasts values that are not finite"):
        non_negative_weights(np.array([0.0, np.nan]).reshape(2, 1, 1, 1), np.zeros((1, 1, 1)))
