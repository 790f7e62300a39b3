"""STDC (arXiv 2104.13188): a backbone of short-term dense concatenation; names of parameters are PaddleSeg's."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate, pairwise
from types import MappingProxyType

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import features_at

DEPTHS: Mapping[str, tuple[int, ...]] = MappingProxyType({"STDC1": (2, 2, 2), "STDC2": (4, 5, 3)})
"""Blocks at strides 8, 16 and 32."""
BASE = 64
NUM_PARTS = 4
"""Convolutions of a block."""


class _ConvNorm(nn.Layer):
    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        initial = paddle.ParamAttr(initializer=nn.initializer.KaimingNormal())
        self.conv = nn.Conv2D(inputs, outputs, kernel, stride, kernel // 2, weight_attr=initial, bias_attr=False)
        self.bn = nn.BatchNorm2D(outputs)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Block(nn.Layer):
    """Convolutions one after the other, each with half the channels of the one before, put side by side."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        half = outputs // 2
        self.shrinks = stride == 2
        if self.shrinks:
            initial = paddle.ParamAttr(initializer=nn.initializer.KaimingNormal())
            shrinking = nn.Conv2D(half, half, 3, 2, 1, groups=half, weight_attr=initial, bias_attr=False)
            self.avd_layer = nn.Sequential(shrinking, nn.BatchNorm2D(half))
            self.skip = nn.AvgPool2D(3, 2, 1)
        widths = [half, *(outputs // 2 ** (place + 1) for place in range(1, NUM_PARTS - 1))]
        widths.append(widths[-1])
        parts = [_ConvNorm(before, after) for before, after in pairwise(widths)]
        self.conv_list = nn.LayerList([_ConvNorm(inputs, half, 1), *parts])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        first = self.conv_list[0](x)
        x = self.avd_layer(first) if self.shrinks else first
        found = [self.skip(first) if self.shrinks else first]
        for layer in self.conv_list[1:]:
            x = layer(x)
            found.append(x)
        return paddle.concat(found, axis=1)


class STDC(nn.Layer):
    """Features at strides 8, 16 and 32.

    Args:
        name: of `DEPTHS`.
    """

    out_channels = (BASE * 4, BASE * 8, BASE * 16)

    def __init__(self, name: str) -> None:
        super().__init__()
        depths = DEPTHS[name]
        layers: list[nn.Layer] = [_ConvNorm(3, BASE // 2, stride=2), _ConvNorm(BASE // 2, BASE, stride=2)]
        inputs = BASE
        for outputs, depth in zip(self.out_channels, depths, strict=True):
            for place in range(depth):
                layers.append(_Block(inputs, outputs, 1 if place else 2))
                inputs = outputs
        self.features = nn.Sequential(*layers)
        self.places = tuple(end + 1 for end in accumulate(depths))

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return features_at(x, self.features, self.places)
