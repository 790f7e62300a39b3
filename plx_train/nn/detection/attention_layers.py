"""Attention among the places of a map, with what says where these are; names are PaddleDetection's."""

from __future__ import annotations

import math

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.detection.attention import SelfAttention, linear

TEMPERATURE = 10000.0
"""The longest wave of places, in tokens, is so many times that of the shortest."""


def waves(height: int, width: int, channels: int) -> np.ndarray:
    """Places of a map's tokens, row by row, float32 (1, height × width, channels): half say the row, half the column.

    Args:
        channels: a multiple of 4.
    """
    count = channels // 4
    rates = TEMPERATURE ** -(np.arange(count) / count)
    rows, columns = np.mgrid[:height, :width].reshape(2, -1, 1) * rates
    parts = [np.sin(rows), np.cos(rows), np.sin(columns), np.cos(columns)]
    return np.concatenate(parts, axis=1)[None].astype(np.float32)


class AttentionLayer(nn.Layer):
    """Attention, and a perceptron."""

    def __init__(self, channels: int, num_heads: int, width: int) -> None:
        super().__init__()
        self.self_attn = SelfAttention(channels, num_heads)
        self.linear1, self.linear2 = (
            linear(inputs, outputs, uniform(inputs)) for inputs, outputs in ((channels, width), (width, channels))
        )
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)

    def forward(self, x: paddle.Tensor, places: paddle.Tensor) -> paddle.Tensor:
        x = self.norm1(x + self.self_attn(x, places))
        return self.norm2(x + self.linear2(F.gelu(self.linear1(x))))


def uniform(inputs: int) -> nn.initializer.Initializer:
    """Weights of a layer of so many inputs, as PyTorch begins them."""
    bound = 1 / math.sqrt(inputs)
    return nn.initializer.Uniform(-bound, bound)


class AttentionLayers(nn.Layer):
    """Attention among all places of maps (N, C, H, W), layer after layer."""

    def __init__(self, channels: int, num_heads: int, width: int, num_layers: int) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.LayerList([AttentionLayer(channels, num_heads, width) for _ in range(num_layers)])

    def forward(self, maps: paddle.Tensor, places: paddle.Tensor) -> paddle.Tensor:
        """The maps.

        Args:
            places: as `waves` gives them.
        """
        x = maps.flatten(2).transpose([0, 2, 1])
        for layer in self.layers:
            x = layer(x, places)
        return x.transpose([0, 2, 1]).reshape([-1, *maps.shape[1:]])
