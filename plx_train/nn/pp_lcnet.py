"""PP-LCNet: a CPU network of depthwise blocks (Cui et al., 2021); parameter names are the official ones."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import ConvNorm, SqueezeExcitation, make_divisible

# kernel size, input channels, output channels, stride, squeeze-and-excitation
BLOCKS: dict[str, list[tuple[int, int, int, int, bool]]] = {
    "blocks2": [(3, 16, 32, 1, False)],
    "blocks3": [(3, 32, 64, 2, False), (3, 64, 64, 1, False)],
    "blocks4": [(3, 64, 128, 2, False), (3, 128, 128, 1, False)],
    "blocks5": [(3, 128, 256, 2, False), *[(5, 256, 256, 1, False)] * 5],
    "blocks6": [(5, 256, 512, 2, True), (5, 512, 512, 1, True)],
}
STEM_CHANNELS, LAST_CHANNELS = 16, 1280
SLOPE = 0.1666667
"""Slope of Paddle's hard sigmoid; a sixth would be another number."""


def _width(channels: float) -> int:
    return make_divisible(channels, 8)


class DepthwiseSeparable(nn.Layer):
    """Depthwise convolution, squeeze-and-excitation where asked for, pointwise convolution."""

    def __init__(self, kernel: int, inputs: int, outputs: int, stride: int, with_se: bool) -> None:
        super().__init__()
        self.dw_conv = ConvNorm(inputs, inputs, kernel, stride, groups=inputs, activate=F.hardswish)
        self.se = SqueezeExcitation(inputs, SLOPE) if with_se else None
        self.pw_conv = ConvNorm(inputs, outputs, 1, activate=F.hardswish)

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
        self.conv1 = ConvNorm(3, _width(STEM_CHANNELS * scale), 3, stem_stride, activate=F.hardswish)
        self.stages = tuple(BLOCKS)
        for name, blocks in BLOCKS.items():
            layers = [
                DepthwiseSeparable(kernel, _width(inputs * scale), _width(outputs * scale), stride, se)
                for kernel, inputs, outputs, stride, se in blocks
            ]
            setattr(self, name, nn.Sequential(*layers))
        self.last_conv = nn.Conv2D(_width(512 * scale), LAST_CHANNELS, 1, bias_attr=False)
        self.dropout = nn.Dropout(dropout, mode="downscale_in_infer")
        self.fc = nn.Linear(LAST_CHANNELS, num_classes)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.conv1(x)
        for name in self.stages:
            x = getattr(self, name)(x)
        x = F.hardswish(self.last_conv(F.adaptive_avg_pool2d(x, 1)))
        return self.fc(self.dropout(x).flatten(1))
