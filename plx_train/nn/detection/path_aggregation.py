"""The necks of PicoDet: path aggregation networks, and one level more on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import ConvNorm, upsample
from plx_train.nn.pp_lcnet import DepthwiseSeparable

KERNEL = 5


class DPModule(nn.Layer):
    """A depthwise and a pointwise convolution.

    Args:
        activates: whether its outputs are, too.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, activates: bool = True) -> None:
        super().__init__()
        initial = paddle.ParamAttr(initializer=nn.initializer.KaimingUniform())
        groups = outputs if outputs > 1 else 1
        self.dwconv = nn.Conv2D(
            inputs, outputs, KERNEL, stride, KERNEL // 2, groups=groups, weight_attr=initial, bias_attr=False
        )
        self.bn1 = nn.BatchNorm2D(outputs)
        self.pwconv = nn.Conv2D(outputs, outputs, 1, weight_attr=initial, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(outputs)
        self.activates = activates

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = F.hardswish(self.bn1(self.dwconv(x)))
        x = self.bn2(self.pwconv(x))
        return F.hardswish(x) if self.activates else x


class DarknetBottleneck(nn.Layer):
    """A pointwise and a depthwise block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(channels, channels, 1, activate=F.hardswish)
        self.conv2 = DPModule(channels, channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv2(self.conv1(x))


class CSPLayer(nn.Layer):
    """Half of the channels go through a block, the other half past it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.main_conv = ConvNorm(inputs, half, 1, activate=F.hardswish)
        self.short_conv = ConvNorm(inputs, half, 1, activate=F.hardswish)
        self.final_conv = ConvNorm(2 * half, outputs, 1, activate=F.hardswish)
        self.blocks = nn.Sequential(DarknetBottleneck(half))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.final_conv(paddle.concat([self.blocks(self.main_conv(x)), self.short_conv(x)], axis=1))


class ChannelT(nn.Layer):
    """All levels brought to one width."""

    def __init__(self, inputs: Sequence[int], channels: int) -> None:
        super().__init__()
        self.convs = nn.LayerList([ConvNorm(each, channels, 1, activate=F.hardswish) for each in inputs])

    def forward(self, features: Sequence[paddle.Tensor]) -> list[paddle.Tensor]:
        return [self.convs[level](feature) for level, feature in enumerate(features)]


class PathAggregation(nn.Layer):
    """Features of one width at the strides of the backbone and at twice the last.

    Args:
        inputs: channels of the backbone's features.
        block: makes of the number of channels, twice as many in as out, what levels are joined by.
    """

    def __init__(self, inputs: Sequence[int], channels: int, block: Callable[[int], nn.Layer]) -> None:
        super().__init__()
        self.conv_t = ChannelT(inputs, channels)
        self.first_top_conv = DPModule(channels, channels, 2)
        self.second_top_conv = DPModule(channels, channels, 2)
        steps = len(inputs) - 1
        self.top_down_blocks = nn.LayerList([block(channels) for _ in range(steps)])
        self.downsamples, self.bottom_up_blocks = nn.LayerList(), nn.LayerList()
        for _ in range(steps):
            self.downsamples.append(DPModule(channels, channels, 2))
            self.bottom_up_blocks.append(block(channels))

    def forward(self, features: Sequence[paddle.Tensor]) -> list[paddle.Tensor]:
        levels = self.conv_t(features)
        down = [levels[-1]]
        for number, block in enumerate(self.top_down_blocks):
            down.insert(0, block(paddle.concat([upsample(down[0], 2), levels[-2 - number]], axis=1)))
        up = [down[0]]
        for number, block in enumerate(self.bottom_up_blocks):
            up.append(block(paddle.concat([self.downsamples[number](up[-1]), down[number + 1]], axis=1)))
        return [*up, self.first_top_conv(levels[-1]) + self.second_top_conv(up[-1])]


class CSPPAN(PathAggregation):
    """The neck of the first release: cross-stage blocks."""

    def __init__(self, inputs: Sequence[int], channels: int) -> None:
        super().__init__(inputs, channels, lambda width: CSPLayer(2 * width, width))


class LCPAN(PathAggregation):
    """The neck of today's release: blocks of PP-LCNet."""

    def __init__(self, inputs: Sequence[int], channels: int) -> None:
        super().__init__(inputs, channels, _lc_blocks)


def _lc_blocks(channels: int) -> nn.Layer:
    first = DepthwiseSeparable(KERNEL, 2 * channels, 2 * channels, 1, False)
    return nn.Sequential(first, DepthwiseSeparable(KERNEL, 2 * channels, channels, 1, False))
