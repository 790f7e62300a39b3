"""Patches of a series seen by attention: PatchTST (Nie et al., 2023), each channel by itself."""

from __future__ import annotations

import paddle
from paddle import nn

from plx_train.nn.series.layout import ReversibleNorm, as_forecast, channels_first
from plx_train.nn.series.shape import SeriesShape
from plx_train.nn.series.sizes import Sizes

STRIDE = 8
"""Rows from one patch to the next; a patch has twice as many."""
HEAD_WIDTH = 16
EXPANSION = 2
BOTTLENECK = 8
"""A reconstruction goes through this many times fewer numbers than it has rows, so that it can't copy."""


class PatchEncoder(nn.Layer):
    """Features of a series' patches.

    Args:
        length: rows of the series.
        sizes: width, layers and dropout.
    """

    def __init__(self, length: int, sizes: Sizes) -> None:
        super().__init__()
        self.num_padded = -length % STRIDE + STRIDE
        self.num_patches = (length + self.num_padded) // STRIDE - 1
        self.embed = nn.Linear(2 * STRIDE, sizes.hidden)
        small = paddle.ParamAttr(initializer=nn.initializer.Uniform(-0.02, 0.02))
        self.position = self.create_parameter([self.num_patches, sizes.hidden], small)
        self.dropout = nn.Dropout(sizes.dropout)
        self.layers = nn.LayerList([EncoderLayer(sizes.hidden, sizes.dropout) for _ in range(sizes.depth)])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Features (N, patches, hidden) of series (N, L)."""
        tail = x[:, -1:].expand([-1, self.num_padded])
        blocks = paddle.concat([x, tail], axis=1).reshape([-1, self.num_patches + 1, STRIDE])
        patches = paddle.concat([blocks[:, :-1], blocks[:, 1:]], axis=-1)
        found = self.dropout(self.embed(patches) + self.position)
        for layer in self.layers:
            found = layer(found)
        return found


class EncoderLayer(nn.Layer):
    """Attention and a feed-forward part, each with batch norm behind its sum, as published."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiHeadAttention(hidden, max(hidden // HEAD_WIDTH, 1), dropout)
        self.widen, self.narrow = nn.Linear(hidden, EXPANSION * hidden), nn.Linear(EXPANSION * hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.first_norm, self.second_norm = nn.BatchNorm1D(hidden), nn.BatchNorm1D(hidden)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Encoded patches, of the shape of x, (N, patches, hidden)."""
        x = _normal(self.first_norm, x + self.dropout(self.attention(x)))
        changed = self.narrow(self.dropout(nn.functional.gelu(self.widen(x))))
        return _normal(self.second_norm, x + self.dropout(changed))


def _normal(norm: nn.BatchNorm1D, x: paddle.Tensor) -> paddle.Tensor:
    return norm(x.reshape([-1, x.shape[-1]])).reshape([-1, *x.shape[1:]])


class PatchTST(nn.Layer):
    """Forecasts each channel from its patches."""

    def __init__(self, shape: SeriesShape, sizes: Sizes) -> None:
        super().__init__()
        self.shape = shape
        self.norm = ReversibleNorm(shape.targets)
        self.encoder = PatchEncoder(shape.context, sizes)
        self.dropout = nn.Dropout(sizes.dropout)
        self.head = nn.Linear(self.encoder.num_patches * sizes.hidden, shape.horizon * shape.quantiles)

    def forward(self, targets: paddle.Tensor) -> paddle.Tensor:
        """Forecasts (B, H, C[, Q]) of targets (B, L, C)."""
        shape = self.shape
        x, mean, deviation = self.norm(channels_first(targets))
        features = self.encoder(x.reshape([-1, shape.context])).flatten(1)
        found = self.head(self.dropout(features)).reshape([-1, shape.targets, shape.horizon * shape.quantiles])
        return as_forecast(self.norm.restore(found, mean, deviation), shape.horizon, shape.quantiles)


class PatchReconstructor(nn.Layer):
    """Gives a window back from its patches, through a bottleneck."""

    def __init__(self, context: int, channels: int, sizes: Sizes) -> None:
        super().__init__()
        self.context, self.channels = context, channels
        self.norm = ReversibleNorm(channels)
        self.encoder = PatchEncoder(context, sizes)
        narrow = max(context // BOTTLENECK, 2)
        self.squeeze = nn.Linear(self.encoder.num_patches * sizes.hidden, narrow)
        self.head = nn.Linear(narrow, context)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """What the windows x (B, L, C) are given back as, of the same shape."""
        normal, mean, deviation = self.norm(channels_first(x))
        features = self.encoder(normal.reshape([-1, self.context])).flatten(1)
        found = self.head(self.squeeze(features)).reshape([-1, self.channels, self.context])
        return channels_first(self.norm.restore(found, mean, deviation))
