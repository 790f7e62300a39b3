"""TimesNet (Wu et al., 2023) for forecasting, reconstruction and classification."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.series.layout import ReversibleNorm, as_forecast, channels_first
from plx_train.nn.series.shape import SeriesShape
from plx_train.nn.series.sizes import Sizes
from plx_train.nn.series.times_block import TimesBlock

KERNEL = 3
"""Rows that a row's embedding sees, the ends joined to a ring."""


class Embedding(nn.Layer):
    """Rows as features: of a row and its neighbours, and of its place."""

    def __init__(self, length: int, channels: int, sizes: Sizes) -> None:
        super().__init__()
        self.linear = nn.Linear(KERNEL * channels, sizes.hidden, bias_attr=False)
        self.register_buffer("position", paddle.to_tensor(_positions(length, sizes.hidden)), persistable=False)
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Features (B, L, hidden) of rows (B, L, channels)."""
        before, after = paddle.concat([x[:, -1:], x[:, :-1]], 1), paddle.concat([x[:, 1:], x[:, :1]], 1)
        return self.dropout(self.linear(paddle.concat([before, x, after], axis=-1)) + self.position)


def _positions(length: int, hidden: int) -> np.ndarray:
    """Sines and cosines of places (Vaswani et al., 2017), float32 (L, hidden)."""
    speeds = np.exp(np.arange(0, hidden, 2) * (-np.log(10_000.0) / hidden))
    angles = np.arange(length)[:, None] * speeds
    found = np.zeros((length, hidden), np.float32)
    found[:, 0::2], found[:, 1::2] = np.sin(angles), np.cos(angles)[:, : hidden // 2]
    return found


class TimesBlocks(nn.Layer):
    """Blocks in turn, each normalised."""

    def __init__(self, length: int, periods: Sequence[int], sizes: Sizes) -> None:
        super().__init__()
        self.blocks = nn.LayerList([TimesBlock(length, sizes.hidden, periods) for _ in range(sizes.depth)])
        self.norms = nn.LayerList([nn.LayerNorm(sizes.hidden) for _ in range(sizes.depth)])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """The blocks' output, of the shape of x, (B, T, hidden)."""
        for place, block in enumerate(self.blocks):
            x = self.norms[place](block(x))
        return x


class TimesNet(nn.Layer):
    """Forecasts from context and horizon folded together; covariates are further channels of their rows."""

    def __init__(self, shape: SeriesShape, periods: Sequence[int], sizes: Sizes) -> None:
        super().__init__()
        self.shape = shape
        length = shape.context + shape.horizon
        self.norm = ReversibleNorm()
        self.embedding = Embedding(shape.context, shape.targets + shape.past_covariates, sizes)
        self.lengthen = nn.Linear(shape.context, length)
        self.future = nn.Linear(shape.future_covariates, sizes.hidden) if shape.future_covariates else None
        self.static = nn.Linear(shape.static, sizes.hidden) if shape.static else None
        self.blocks = TimesBlocks(length, periods, sizes)
        self.head = nn.Linear(sizes.hidden, shape.targets * shape.quantiles)

    def forward(
        self,
        targets: paddle.Tensor,
        past: paddle.Tensor | None = None,
        future: paddle.Tensor | None = None,
        static: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """Forecasts (B, H, C[, Q]) of targets (B, L, C) and covariates (B, L, …), (B, L + H, …), (B, …)."""
        shape = self.shape
        normal, mean, deviation = self.norm(channels_first(targets))
        rows = channels_first(normal)
        features = self.embedding(rows if past is None else paddle.concat([rows, past], axis=-1))
        features = channels_first(self.lengthen(channels_first(features)))
        if self.future is not None:
            features = features + self.future(future)
        if self.static is not None:
            features = features + self.static(static).unsqueeze(1)
        found = self.head(self.blocks(features)[:, shape.context :])
        found = found.reshape([-1, shape.horizon, shape.targets, shape.quantiles])
        found = found.transpose([0, 2, 1, 3]).flatten(2)
        return as_forecast(self.norm.restore(found, mean, deviation), shape.horizon, shape.quantiles)


class TimesReconstructor(nn.Layer):
    """Gives a window back."""

    def __init__(self, context: int, channels: int, periods: Sequence[int], sizes: Sizes) -> None:
        super().__init__()
        self.norm = ReversibleNorm()
        self.embedding = Embedding(context, channels, sizes)
        self.blocks = TimesBlocks(context, periods, sizes)
        self.head = nn.Linear(sizes.hidden, channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """What the windows x (B, L, C) are given back as, of the same shape."""
        normal, mean, deviation = self.norm(channels_first(x))
        found = self.head(self.blocks(self.embedding(channels_first(normal))))
        return channels_first(self.norm.restore(channels_first(found), mean, deviation))


class TimesClassifier(nn.Layer):
    """Scores of classes from all rows of a series."""

    def __init__(self, shape: tuple[int, int], num_classes: int, periods: Sequence[int], sizes: Sizes) -> None:
        super().__init__()
        length, channels = shape
        self.embedding = Embedding(length, channels, sizes)
        self.blocks = TimesBlocks(length, periods, sizes)
        self.dropout = nn.Dropout(sizes.dropout)
        self.head = nn.Linear(length * sizes.hidden, num_classes)

    def forward(self, features: paddle.Tensor, pad_mask: paddle.Tensor) -> paddle.Tensor:
        """Scores (B, K) of rows (B, L, C); the mask (B, L) is 1 for rows of the series, 0 for those that fill it up."""
        found = self.dropout(F.gelu(self.blocks(self.embedding(features))))
        return self.head((found * pad_mask.unsqueeze(-1)).flatten(1))
