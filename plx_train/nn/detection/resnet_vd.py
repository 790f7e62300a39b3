"""ResNet-vd (arXiv 1812.01187), as RT-DETR has it; structure and names of parameters are PaddleDetection's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import features_at

COUNTS: Mapping[int, tuple[int, ...]] = MappingProxyType({18: (2, 2, 2, 2), 50: (3, 4, 6, 3)})
"""Blocks of each stage, by depth."""
BOTTLENECK_DEPTH, EXPANSION = 50, 4


class _ConvNorm(nn.Layer):
    """Convolution and batch norm, under the names that this network gives them."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, activates: bool = True) -> None:
        super().__init__()
        initial = paddle.ParamAttr(initializer=nn.initializer.KaimingNormal())
        self.conv = nn.Conv2D(inputs, outputs, kernel, stride, kernel // 2, weight_attr=initial, bias_attr=False)
        self.norm = nn.BatchNorm2D(outputs)
        self.activates = activates

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.norm(self.conv(x))
        return F.relu(x) if self.activates else x


class _Residual(nn.Layer):
    """What blocks have in common: the way past them.

    Args:
        is_first: of its stage; the way past it has a convolution.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, is_first: bool) -> None:
        super().__init__()
        self.is_first = is_first
        if is_first and stride == 1:
            self.short = _ConvNorm(inputs, outputs, 1, activates=False)
        elif is_first:
            convolution = _ConvNorm(inputs, outputs, 1, activates=False)
            self.short = nn.Sequential(("pool", nn.AvgPool2D(2)), ("conv", convolution))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.relu(self.through(x) + (self.short(x) if self.is_first else x))

    def through(self, x: paddle.Tensor) -> paddle.Tensor:
        """What is added to the input."""
        raise NotImplementedError


class PlainResidual(_Residual):
    """Two convolutions."""

    def __init__(self, inputs: int, width: int, stride: int, is_first: bool) -> None:
        super().__init__(inputs, width, stride, is_first)
        self.branch2a = _ConvNorm(inputs, width, 3, stride)
        self.branch2b = _ConvNorm(width, width, 3, activates=False)

    def through(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.branch2b(self.branch2a(x))


class BottleneckResidual(_Residual):
    """Three convolutions, the middle one on fewer channels."""

    def __init__(self, inputs: int, width: int, stride: int, is_first: bool) -> None:
        super().__init__(inputs, width * EXPANSION, stride, is_first)
        self.branch2a = _ConvNorm(inputs, width, 1)
        self.branch2b = _ConvNorm(width, width, 3, stride)
        self.branch2c = _ConvNorm(width, width * EXPANSION, 1, activates=False)

    def through(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.branch2c(self.branch2b(self.branch2a(x)))


class ResNetVd(nn.Layer):
    """Features at strides 8, 16 and 32.

    Args:
        depth: number of layers, of `COUNTS`.
        width: channels of the first stage.
    """

    def __init__(self, depth: int, width: int = 64) -> None:
        super().__init__()
        is_deep = depth >= BOTTLENECK_DEPTH
        block: Callable[..., _Residual] = BottleneckResidual if is_deep else PlainResidual
        half = width // 2
        self.conv1 = nn.Sequential(
            ("conv1_1", _ConvNorm(3, half, 3, 2)),
            ("conv1_2", _ConvNorm(half, half, 3)),
            ("conv1_3", _ConvNorm(half, width, 3)),
        )
        self.stages = tuple(f"res{place + 2}" for place in range(len(COUNTS[depth])))
        channels = [width * 2**place * (EXPANSION if is_deep else 1) for place in range(len(self.stages))]
        inputs = width
        for place, name in enumerate(self.stages):
            blocks = []
            for number in range(COUNTS[depth][place]):
                stride = 2 if place and not number else 1
                blocks.append((f"{name}{chr(ord('a') + number)}", block(inputs, width * 2**place, stride, not number)))
                inputs = channels[place]
            self.add_sublayer(name, nn.Sequential(*blocks))
        self.out_channels = tuple(channels[1:])

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        x = F.max_pool2d(self.conv1(x), 3, 2, 1)
        return features_at(x, (self._sub_layers[name] for name in self.stages), (1, 2, 3))
