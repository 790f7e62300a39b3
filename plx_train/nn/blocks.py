"""What several convolutional networks are built of; parameter names are the official ones.

Names of classes stand in exported graphs, so that another name is another file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import paddle
from paddle import nn
from paddle.nn import functional as F

Stride = int | tuple[int, int]
"""One number, or that of the rows and that of the columns."""


def make_divisible(value: float, divisor: int) -> int:
    """`value` rounded to a multiple of `divisor`, at most a tenth below it."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


class ConvNorm(nn.Layer):
    """Convolution without bias, then batch norm, then what `activate` does."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: Stride = 1,
        groups: int = 1,
        activate: Callable[[paddle.Tensor], paddle.Tensor] | None = None,
    ) -> None:
        super().__init__()
        initial = paddle.ParamAttr(initializer=nn.initializer.KaimingNormal())
        self.conv = nn.Conv2D(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, weight_attr=initial, bias_attr=False
        )
        self.bn = nn.BatchNorm2D(outputs)
        self.activate = activate

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        normed = self.bn(self.conv(x))
        return normed if self.activate is None else self.activate(normed)


class SqueezeExcitation(nn.Layer):
    """Channel weights from globally pooled features (arXiv 1709.01507); hard sigmoid of the given slope."""

    def __init__(self, channels: int, slope: float = 1 / 6) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(channels, channels // 4, 1)
        self.conv2 = nn.Conv2D(channels // 4, channels, 1)
        self.slope = slope

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1)
        return x * F.hardsigmoid(self.conv2(F.relu(self.conv1(pooled))), slope=self.slope, offset=0.5)


def features_at(x: paddle.Tensor, layers: Iterable[nn.Layer], places: Collection[int]) -> list[paddle.Tensor]:
    """What the layers at `places` give, where one works on what the other gave."""
    found = []
    for place, layer in enumerate(layers):
        x = layer(x)
        if place in places:
            found.append(x)
    return found


def upsample(x: paddle.Tensor, factor: int) -> paddle.Tensor:
    """Nearest-neighbour enlargement of (N, C, H, W) by a whole factor.

    An exported graph has it without `interpolate`, which oneDNN in paddle 3.3 can't run there.
    """
    if paddle.in_dynamic_mode():
        return F.interpolate(x, scale_factor=factor, mode="nearest")
    x = paddle.tile(x.unsqueeze([3, 5]), [1, 1, 1, factor, 1, factor])
    return x.flatten(2, 3).flatten(3, 4)
