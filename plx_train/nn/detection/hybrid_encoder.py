"""RT-DETR's encoder: attention on the coarsest level, convolutions across levels; names are PaddleDetection's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import ConvNorm, upsample
from plx_train.nn.detection.attention import SelfAttention, linear
from plx_train.nn.detection.csp_blocks import RepVggBlock

NUM_BLOCKS = 3
"""Blocks of a fusion of two levels."""
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


class _Encoder(nn.Layer):
    def __init__(self, layers: Sequence[AttentionLayer]) -> None:
        super().__init__()
        self.layers = nn.LayerList(layers)

    def forward(self, x: paddle.Tensor, places: paddle.Tensor) -> paddle.Tensor:
        for layer in self.layers:
            x = layer(x, places)
        return x


class CSPRepLayer(nn.Layer):
    """A fusion of two levels: features go through blocks and past them."""

    def __init__(self, inputs: int, outputs: int, expansion: float) -> None:
        super().__init__()
        middle = int(outputs * expansion)
        self.conv1 = ConvNorm(inputs, middle, 1, activate=F.swish)
        self.conv2 = ConvNorm(inputs, middle, 1, activate=F.swish)
        self.bottlenecks = nn.Sequential(*[RepVggBlock(middle, False) for _ in range(NUM_BLOCKS)])
        self.conv3 = ConvNorm(middle, outputs, 1, activate=F.swish) if middle != outputs else nn.Identity()

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv3(self.bottlenecks(self.conv1(x)) + self.conv2(x))


@dataclass(frozen=True)
class EncoderShape:
    """Sizes of an encoder.

    Attributes:
        channels: of its levels, `num_heads` and `num_layers` of its attention.
        width: channels within its perceptrons.
        expansion: channels within its fusions, against those outside of them.
    """

    channels: int = 256
    num_heads: int = 8
    num_layers: int = 1
    width: int = 1024
    expansion: float = 1.0


class HybridEncoder(nn.Layer):
    """Features of one width on the levels of the backbone, the finest first.

    Args:
        inputs: channels of the backbone's features.
    """

    def __init__(self, inputs: Sequence[int], shape: EncoderShape) -> None:
        super().__init__()
        channels = shape.channels
        self.input_proj = nn.LayerList(
            [nn.Sequential(nn.Conv2D(each, channels, 1, bias_attr=False), nn.BatchNorm2D(channels)) for each in inputs]
        )
        layers = [AttentionLayer(channels, shape.num_heads, shape.width) for _ in range(shape.num_layers)]
        self.encoder = nn.LayerList([_Encoder(layers)])
        self.lateral_convs, self.fpn_blocks = nn.LayerList(), nn.LayerList()
        self.downsample_convs, self.pan_blocks = nn.LayerList(), nn.LayerList()
        for _ in range(len(inputs) - 1):
            self.lateral_convs.append(ConvNorm(channels, channels, 1, activate=F.swish))
            self.fpn_blocks.append(CSPRepLayer(2 * channels, channels, shape.expansion))
            self.downsample_convs.append(ConvNorm(channels, channels, 3, 2, activate=F.swish))
            self.pan_blocks.append(CSPRepLayer(2 * channels, channels, shape.expansion))

    def forward(self, features: Sequence[paddle.Tensor], places: paddle.Tensor) -> list[paddle.Tensor]:
        """The levels.

        Args:
            places: those of the coarsest level's tokens, as `waves` gives them.
        """
        levels = [self.input_proj[place](feature) for place, feature in enumerate(features)]
        coarse = levels[-1]
        tokens = self.encoder[0](coarse.flatten(2).transpose([0, 2, 1]), places)
        down = [tokens.transpose([0, 2, 1]).reshape([-1, *coarse.shape[1:]])]
        for number, block in enumerate(self.fpn_blocks):
            down[0] = self.lateral_convs[number](down[0])
            down.insert(0, block(paddle.concat([upsample(down[0], 2), levels[-2 - number]], axis=1)))
        up = [down[0]]
        for number, block in enumerate(self.pan_blocks):
            up.append(block(paddle.concat([self.downsample_convs[number](up[-1]), down[number + 1]], axis=1)))
        return up
