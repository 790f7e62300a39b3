"""Windows given back through a bottleneck: of trend and rest (DLinear_ad), or of all channels (AutoEncoder_ad)."""

from __future__ import annotations

from itertools import pairwise

import paddle
from paddle import nn

from plx_train.nn.series.layout import channels_first
from plx_train.nn.series.linear import trend_matrix
from plx_train.nn.series.sizes import Sizes


class LinearReconstructor(nn.Layer):
    """Trend and rest of each channel, each through `hidden` numbers: a map to all rows would learn to copy."""

    def __init__(self, context: int, sizes: Sizes) -> None:
        super().__init__()
        hidden = min(sizes.hidden, max(context // 2, 1))
        self.register_buffer("average", paddle.to_tensor(trend_matrix(context)), persistable=False)
        self.trend = nn.Sequential(nn.Linear(context, hidden), nn.Linear(hidden, context))
        self.rest = nn.Sequential(nn.Linear(context, hidden), nn.Linear(hidden, context))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """What the windows x (B, L, C) are given back as, of the same shape."""
        channels = channels_first(x)
        trend = channels @ self.average
        return channels_first(self.trend(trend) + self.rest(channels - trend))


class AutoEncoder(nn.Layer):
    """Dense layers, each half as wide as the one before, and the same back; all rows and channels at once."""

    def __init__(self, context: int, channels: int, sizes: Sizes) -> None:
        super().__init__()
        self.shape = [-1, context, channels]
        widths = [context * channels, *[max(sizes.hidden >> place, 2) for place in range(sizes.depth)]]
        layers: list[nn.Layer] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(sizes.dropout)]
        for inputs, outputs in pairwise(widths[::-1]):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """What the windows x (B, L, C) are given back as, of the same shape."""
        return self.layers(x.flatten(1)).reshape(self.shape)
