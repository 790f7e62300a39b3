"""What a forecasting network has to beat: the last season once more, and one ridge regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.ground.errors import ConfigError, DataError

ALPHAS = tuple(10.0**power for power in range(-2, 5))
"""Ridge penalties that are tried."""

HELD_OUT = 0.2
"""Last part of the training windows, which the penalty is chosen on."""

BLOCK = 4096


def seasonal_naive(context: np.ndarray, horizon: int, period: int) -> np.ndarray:
    """The last `period` rows of the context, repeated over the horizon.

    Args:
        context: (N, L, C).
        horizon: rows to forecast.
        period: rows in a season, 1 to L.

    Returns:
        (N, horizon, C).

    Raises:
        ConfigError: A season is longer than the context.
    """
    length = context.shape[1]
    if not 1 <= period <= length:
        raise ConfigError(
            f"a season of {period} rows does not fit a context of {length}: give a period of 1 to {length} rows"
        )
    return context[:, length - period + np.arange(horizon) % period]


@dataclass(frozen=True)
class LinearBaseline:
    """One linear map from context to horizon, the same for all channels: weights (L, H), intercept (H,) float64."""

    weights: np.ndarray
    intercept: np.ndarray
    alpha: float
    num_windows: int

    def predict(self, context: np.ndarray) -> np.ndarray:
        """Forecasts (N, H, C) of contexts (N, L, C)."""
        return np.matmul(self.weights.T, context) + self.intercept[:, None]


@dataclass(frozen=True)
class Moments:
    """Number, sums (S,) and sums of products (S, S) of windows of S rows: all that a regression among them needs."""

    count: int
    sums: np.ndarray
    products: np.ndarray

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.sums + other.sums, self.products + other.products)


def fit_linear(
    series: Sequence[np.ndarray], context: int, horizon: int, alphas: Sequence[float] = ALPHAS
) -> LinearBaseline:
    """Ridge regression with an intercept on the windows of the training part, all channels together.

    The penalty is chosen by squared error on the last fifth of each series' windows, with a gap between the two parts
    as long as a window; then all windows are used. Linear in rows × window, whatever the number of windows.

    Args:
        series: training parts, each (T, C), scaled as they shall be forecast.
        context, horizon: rows L and H.
        alphas: penalties on the sum of squares, as in scikit-learn's Ridge; one alone is taken as it is.

    Raises:
        DataError: No series is as long as one window.
    """
    size = context + horizon
    usable = [part[:, channel] for part in series if len(part) >= size for channel in range(part.shape[1])]
    if not usable:
        longest = max((len(part) for part in series), default=0)
        raise DataError(
            f"the linear baseline needs {size} training rows ({context} of context and {horizon} of horizon) "
            f"and the longest series has {longest}: shorten them or give more rows"
        )
    whole = _summed([window_moments(values, size) for values in usable])
    alpha = alphas[0] if len(alphas) == 1 else _best_alpha(usable, context, size, alphas)
    weights, intercept = _solve(whole, context, alpha)
    return LinearBaseline(weights, intercept, float(alpha), whole.count)


def window_moments(values: np.ndarray, size: int) -> Moments:
    """Moments of all windows of `size` rows of one channel (T,), T at least `size`."""
    values = np.asarray(values, np.float64)
    return Moments(len(values) - size + 1, _sliding_sums(values, size), _sliding_products(values, size))


def _sliding_sums(values: np.ndarray, size: int) -> np.ndarray:
    count = len(values) - size + 1
    totals = np.concatenate([[0.0], np.cumsum(values)])
    return totals[count : count + size] - totals[:size]


def _sliding_products(values: np.ndarray, size: int) -> np.ndarray:
    """Σ_s y[s+i]·y[s+j]: one row by correlation, every other from the one above, the windows having moved by a row."""
    count = len(values) - size + 1
    products = np.empty((size, size))
    products[0] = np.correlate(values, values[:count], "valid")
    for row in range(1, size):
        gained = values[count + row - 1] * values[count + row - 1 : count + size - 1]
        lost = values[row - 1] * values[row - 1 : size - 1]
        products[row, row:] = products[row - 1, row - 1 : -1] + gained - lost
    return np.triu(products) + np.triu(products, 1).T


def _best_alpha(usable: list[np.ndarray], context: int, size: int, alphas: Sequence[float]) -> float:
    """The penalty with the least squared error on the last windows; the middle one if no series is long enough."""
    fitted, held_out = [], []
    for values in usable:
        rows_held_out = int(HELD_OUT * (len(values) - size + 1)) + size - 1
        rows_fitted = len(values) - rows_held_out
        if rows_fitted >= size and rows_held_out >= size:
            fitted.append(window_moments(values[:rows_fitted], size))
            held_out.append(window_moments(values[rows_fitted:], size))
    if not fitted:
        return alphas[len(alphas) // 2]
    first, second = _summed(fitted), _summed(held_out)
    errors = [_squared_error(second, *_solve(first, context, alpha)) for alpha in alphas]
    return alphas[int(np.argmin(errors))]


def _solve(moments: Moments, context: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    means = moments.sums / moments.count
    centred = moments.products - moments.count * np.outer(means, means)
    penalised = centred[:context, :context] + alpha * np.eye(context)
    weights = np.linalg.solve(penalised, centred[:context, context:])
    return weights, means[context:] - means[:context] @ weights


def _squared_error(moments: Moments, weights: np.ndarray, intercept: np.ndarray) -> float:
    """Mean squared error of a linear map on windows of which the moments alone are known."""
    # An error is a linear form of the window and 1; its square is the form's own product with the moments.
    size, context = len(moments.sums), len(weights)
    forms = np.concatenate([weights, -np.eye(size - context)])
    squares = np.sum(forms * (moments.products @ forms), axis=0)
    totals = squares + 2 * intercept * (moments.sums @ forms) + moments.count * intercept**2
    return float(totals.mean() / moments.count)


def _summed(parts: list[Moments]) -> Moments:
    return sum(parts[1:], parts[0])


def baseline_errors(
    train: Sequence[np.ndarray], val: Sequence[np.ndarray], size: tuple[int, int], period: int
) -> dict[str, float]:
    """``seasonal_naive_mse``, ``linear_mae`` …: errors on all windows of `val`, on the scaled axis.

    Args:
        train, val: series (T, C), scaled; those of `val` begin with the rows that their first window is made from.
        size: rows of context and horizon.
        period: rows in a season; longer than the context, the last row is repeated.
    """
    context, horizon = size
    linear = fit_linear(train, context, horizon)
    season = period if 1 <= period <= context else 1
    sums = {f"{name}_{kind}": 0.0 for name in ("seasonal_naive", "linear") for kind in ("mse", "mae")}
    count = 0
    for series in val:
        if len(series) < context + horizon:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(series, context + horizon, axis=0).transpose(0, 2, 1)
        for start in range(0, len(windows), BLOCK):
            past, truth = windows[start : start + BLOCK, :context], windows[start : start + BLOCK, context:]
            forecasts = {"seasonal_naive": seasonal_naive(past, horizon, season), "linear": linear.predict(past)}
            for name, forecast in forecasts.items():
                sums[f"{name}_mse"] += float(np.square(forecast - truth).mean()) * len(truth)
                sums[f"{name}_mae"] += float(np.abs(forecast - truth).mean()) * len(truth)
            count += len(truth)
    return {name: total / count for name, total in sums.items()} if count else {}
