"""One linear map from context to horizon: DLinear and NLinear (Zeng et al., 2023), RLinear (Li et al., 2023)."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn

from plx_train.nn.series.layout import ReversibleNorm, as_forecast, channels_first
from plx_train.nn.series.shape import SeriesShape

TREND_ROWS = 25
"""Width of the moving average that is a series' trend."""


def trend_matrix(length: int) -> np.ndarray:
    """The moving average over `TREND_ROWS` rows, the ends repeated, as float32 (L, L): rows @ it is the trend."""
    places = np.arange(length)[:, None] + np.arange(TREND_ROWS) - (TREND_ROWS - 1) // 2
    matrix = np.zeros((length, length), np.float32)
    np.add.at(matrix, (np.clip(places, 0, length - 1), np.arange(length)[:, None]), 1 / TREND_ROWS)
    return matrix


class DLinear(nn.Layer):
    """Trend and rest, each mapped by a matrix that all channels share."""

    def __init__(self, shape: SeriesShape) -> None:
        super().__init__()
        self.shape = shape
        outputs = shape.horizon * shape.quantiles
        self.register_buffer("average", paddle.to_tensor(trend_matrix(shape.context)), persistable=False)
        self.trend, self.rest = nn.Linear(shape.context, outputs), nn.Linear(shape.context, outputs)

    def forward(self, targets: paddle.Tensor) -> paddle.Tensor:
        """Forecasts (B, H, C[, Q]) of targets (B, L, C)."""
        x = channels_first(targets)
        trend = x @ self.average
        return as_forecast(self.trend(trend) + self.rest(x - trend), self.shape.horizon, self.shape.quantiles)


class NLinear(nn.Layer):
    """Differences from the last row, mapped by one matrix."""

    def __init__(self, shape: SeriesShape) -> None:
        super().__init__()
        self.shape = shape
        self.linear = nn.Linear(shape.context, shape.horizon * shape.quantiles)

    def forward(self, targets: paddle.Tensor) -> paddle.Tensor:
        """Forecasts (B, H, C[, Q]) of targets (B, L, C)."""
        x = channels_first(targets)
        last = x[:, :, -1:]
        return as_forecast(self.linear(x - last) + last, self.shape.horizon, self.shape.quantiles)


class RLinear(nn.Layer):
    """Each window normalised by itself, mapped by one matrix, and scaled back."""

    def __init__(self, shape: SeriesShape) -> None:
        super().__init__()
        self.shape = shape
        self.norm = ReversibleNorm(shape.targets)
        self.linear = nn.Linear(shape.context, shape.horizon * shape.quantiles)

    def forward(self, targets: paddle.Tensor) -> paddle.Tensor:
        """Forecasts (B, H, C[, Q]) of targets (B, L, C)."""
        x, mean, deviation = self.norm(channels_first(targets))
        found = self.norm.restore(self.linear(x), mean, deviation)
        return as_forecast(found, self.shape.horizon, self.shape.quantiles)
