"""RT-DETR's encoder: attention on the coarsest level, convolutions across levels; names are PaddleDetection's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import ConvNorm, upsample
from plx_train.nn.detection.attention_layers import AttentionLayers
from plx_train.nn.detection.csp_blocks import RepVggBlock

NUM_BLOCKS = 3
"""Blocks of a fusion of two levels."""


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
        self.encoder = nn.LayerList([AttentionLayers(channels, shape.num_heads, shape.width, shape.num_layers)])
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
        down = [self.encoder[0](coarse, places)]
        for number, block in enumerate(self.fpn_blocks):
            down[0] = self.lateral_convs[number](down[0])
            down.insert(0, block(paddle.concat([upsample(down[0], 2), levels[-2 - number]], axis=1)))
        up = [down[0]]
        for number, block in enumerate(self.pan_blocks):
            up.append(block(paddle.concat([self.downsample_convs[number](up[-1]), down[number + 1]], axis=1)))
        return up
