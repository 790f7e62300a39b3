"""How far forecasts are off: mse, mae, smape, mase, pinball."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.ground.errors import ConfigError, DataError
from plx_train.series.scale import Scaler


def mse(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared error over windows, horizon and channels; arrays (N, H, C)."""
    return float(np.mean(np.square(prediction - truth), dtype=np.float64))


def mae(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Mean absolute error over windows, horizon and channels; arrays (N, H, C)."""
    return float(np.mean(np.abs(prediction - truth), dtype=np.float64))


def smape(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Mean of 200·|e| / (|y| + |ŷ|), 0 to 200 per cent, as in M4 (Makridakis et al., 2020); 0/0 counts as 0.

    It belongs on the original axis: on a scaled one values near 0 rule it.
    """
    return float(np.mean(_symmetric_errors(prediction, truth), dtype=np.float64))


def seasonal_scale(training: np.ndarray, period: int) -> np.ndarray:
    """Mean |y_t − y_{t−period}| of each channel over the training part: what mase divides by.

    Args:
        training: (T, C), one series.
        period: rows in a season, 1 or more.

    Returns:
        float64 (C,), 0 where a channel repeats itself exactly.

    Raises:
        DataError: The training part is not longer than one period.
    """
    if len(training) <= period:
        raise DataError(
            f"mase needs more than one period of training rows, and {len(training)} rows hold no two that are "
            f"{period} apart: give a shorter period or more rows"
        )
    return np.abs(training[period:] - training[:-period]).mean(axis=0, dtype=np.float64)


def mase(prediction: np.ndarray, truth: np.ndarray, scale: np.ndarray) -> float:
    """Mean absolute error over that of the seasonal naive in training, per channel, then mean (Hyndman, 2006).

    Args:
        prediction, truth: (N, H, C).
        scale: (C,) from `seasonal_scale`; channels where it is 0 are left out, NaN if none is left.
    """
    errors, usable = np.abs(prediction - truth).mean(axis=(0, 1), dtype=np.float64), scale > 0
    return float(np.mean(errors[usable] / scale[usable])) if usable.any() else float("nan")


def pinball(prediction: np.ndarray, truth: np.ndarray, quantiles: Sequence[float]) -> float:
    """Mean quantile loss: q·(y − ŷ) where the truth lies above, (1 − q)·(ŷ − y) where it lies below.

    Args:
        prediction: (N, H, C, Q), one number per quantile.
        truth: (N, H, C).
        quantiles: Q numbers between 0 and 1.

    Raises:
        ConfigError: Another number of quantiles than the prediction has.
    """
    if prediction.shape[-1] != len(quantiles):
        raise ConfigError(
            f"{len(quantiles)} quantiles are asked for and the network gives {prediction.shape[-1]}: "
            "set module.quantiles as it was in training"
        )
    levels = np.asarray(quantiles, np.float64)
    errors = truth[..., None] - prediction
    return float(np.mean(np.maximum(levels * errors, (levels - 1) * errors), dtype=np.float64))


def _symmetric_errors(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    sizes = np.abs(prediction) + np.abs(truth)
    return 200 * np.abs(prediction - truth) / np.where(sizes > 0, sizes, 1)


class TsForecastMetric(Metric):
    """Errors over all windows, on the scaled axis and in the targets' own units.

    Args:
        scaler: of the targets.
        seasonal_errors: (C,) from `seasonal_scale`, of the scaled training series; None: no mase.
        quantiles: levels, where they are forecast.
    """

    errors: ClassVar[frozenset[str]] = frozenset(
        {"mse", "mae", "mase", "smape", "original_mse", "original_mae", "pinball"}
    )

    def __init__(self, scaler: Scaler, seasonal_errors: np.ndarray | None, quantiles: Sequence[float] = ()) -> None:
        self.scaler = scaler
        self.seasonal_errors = seasonal_errors
        self.quantiles = tuple(quantiles)
        self._forecasts: list[Any] = []
        self._truths: list[np.ndarray] = []

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one window and returns its squared error on the scaled axis.

        Args:
            prediction: has `scaled` (H, C), `values` (H, C) and `quantiles` (H, C, Q) or None.
            sample: its truth is (H, C) on the scaled axis.
        """
        self._forecasts.append(prediction)
        self._truths.append(sample.truth)
        return mse(prediction.scaled, sample.truth)

    def compute(self) -> dict[str, float]:
        """``mse``, ``mae`` and ``mase`` on the scaled axis, ``smape`` and the ``original_`` ones in the targets' units.

        With quantiles also ``pinball``, scaled, and ``coverage``: the share of truths between the outermost.
        """
        if not self._truths:
            return {"mse": float("nan"), "mae": float("nan")}
        truth = np.stack(self._truths)
        scaled = np.stack([each.scaled for each in self._forecasts])
        original, values = self.scaler.inverse(truth), np.stack([each.values for each in self._forecasts])
        found = {"mse": mse(scaled, truth), "mae": mae(scaled, truth), "smape": smape(values, original)}
        if self.seasonal_errors is not None:
            found["mase"] = mase(scaled, truth, self.seasonal_errors)
        found |= {"original_mse": mse(values, original), "original_mae": mae(values, original)}
        if self.quantiles:
            std, mean = np.asarray(self.scaler.std)[:, None], np.asarray(self.scaler.mean)[:, None]
            quantiles = (np.stack([each.quantiles for each in self._forecasts]) - mean) / std
            found["pinball"] = pinball(quantiles, truth, self.quantiles)
            inside = (quantiles[..., 0] <= truth) & (truth <= quantiles[..., -1])
            found["coverage"] = float(inside.mean())
        return {name: value for name, value in found.items() if np.isfinite(value) or name == "mse"}
