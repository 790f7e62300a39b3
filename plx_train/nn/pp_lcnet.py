"""PP-LCNet: a CPU network of depthwise blocks (Cui et al., 2021); parameter names are the official ones."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

# kernel size, input channels, output channels, stride, squeeze-and-excitation
BLOCKS: dict[str, list[tuple[int, int, int, int, bool]]] = {
    "blocks2": [(3, 16, 32, 1, False)],
    "blocks3": [(3, 32, 64, 2, False), (3, 64, 64, 1, False)],
    "blocks4": [(3, 64, 128, 2, False), (3, 128, 128, 1, False)],
    "blocks5": [(3, 128, 256, 2, False), *[(5, 256, 256, 1, False)] * 5],
    "blocks6": [(5, 256, 512, 2, True), (5, 512, 512, 1, True)],
}
STEM_CHANNELS, LAST_CHANNELS = 16, 1280
REDUCTION = 4


def make_divisible(value: float, divisor: int = 8) -> int:
    """`value` rounded to a multiple of `divisor`, at most a tenth below it."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


class ConvNorm(nn.Layer):
    """Convolution without bias, batch norm, hard swish."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        initial = paddle.ParamAttr(initializer=nn.initializer.KaimingNormal())
        self.conv = nn.Conv2D(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, weight_attr=initial, bias_attr=False
        )
        self.bn = nn.BatchNorm2D(outputs)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.hardswish(self.bn(self.conv(x)))


class SqueezeExcitation(nn.Layer):
    """Weighs channels by what they hold over the whole map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(channels, channels // REDUCTION, 1)
        self.conv2 = nn.Conv2D(channels // REDUCTION, channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x * F.hardsigmoid(self.conv2(F.relu(self.conv1(F.adaptive_avg_pool2d(x, 1)))))


class DepthwiseSeparable(nn.Layer):
    """Depthwise convolution, squeeze-and-excitation where asked for, pointwise convolution."""

    def __init__(self, kernel: int, inputs: int, outputs: int, stride: int, with_se: bool) -> None:
        super().__init__()
        self.dw_conv = ConvNorm(inputs, inputs, kernel, stride, groups=inputs)
        self.se = SqueezeExcitation(inputs) if with_se else None
        self.pw_conv = ConvNorm(inputs, outputs, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.dw_conv(x)
        return self.pw_conv(x if self.se is None else self.se(x))


class PPLCNet(nn.Layer):
    """Logits (N, num_classes) of images (N, 3, H, W).

    Args:
        scale: of all widths but the last.
        stem_stride: of the first convolution; the network shrinks images by 16 times this.
    """

    def __init__(self, num_classes: int, scale: float = 1.0, stem_stride: int = 2, dropout: float = 0.2) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, make_divisible(STEM_CHANNELS * scale), 3, stem_stride)
        self.stages = tuple(BLOCKS)
        for name, blocks in BLOCKS.items():
            layers = [
                DepthwiseSeparable(kernel, make_divisible(inputs * scale), make_divisible(outputs * scale), stride, se)
                for kernel, inputs, outputs, stride, se in blocks
            ]
            setattr(self, name, nn.Sequential(*layers))
        self.last_conv = nn.Conv2D(make_divisible(512 * scale), LAST_CHANNELS, 1, bias_attr=False)
        self.dropout = nn.Dropout(dropout, mode="downscale_in_infer")
        self.fc = nn.Linear(LAST_CHANNELS, num_classes)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.conv1(x)
        for name in self.stages:
            x = getattr(self, name)(x)
        x = F.hardswish(self.last_conv(F.adaptive_avg_pool2d(x, 1)))
        return self.fc(self.dropout(x).flatten(1))
