"""DeepLabV3+ (arXiv 1802.02611); structure and names of the head's parameters are PaddleSeg's."""

from __future__ import annotations

import paddle
from paddle import nn

from plx_train.nn.segmentation.layers import ConvNormReLU, SeparableConvNormReLU, resized

RATIOS = (1, 6, 12, 18)
"""Distances of the points that a convolution looks at, in features at stride 16."""
CHANNELS, LOW_CHANNELS = 256, 48
DROPOUT = 0.1


class DeepLabV3Plus(nn.Layer):
    """Logits (N, classes, H, W) of images (N, 3, H, W), one map.

    Args:
        backbone: gives features at strides 4 and 16, of ``out_channels``.
    """

    def __init__(self, num_classes: int, backbone: nn.Layer) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = _Head(num_classes, *backbone.out_channels)

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return [resized(self.head(*self.backbone(x)), x)]


class _Head(nn.Layer):
    def __init__(self, num_classes: int, low: int, high: int) -> None:
        super().__init__()
        self.aspp = _Pyramid(high)
        self.decoder = _Decoder(num_classes, low)

    def forward(self, low: paddle.Tensor, high: paddle.Tensor) -> paddle.Tensor:
        return self.decoder(self.aspp(high), low)


class _Pyramid(nn.Layer):
    """Points at several distances, and the image as a whole, side by side."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        near = ConvNormReLU(inputs, CHANNELS, 1, has_bias=True)
        far = [SeparableConvNormReLU(inputs, CHANNELS, 3, ratio) for ratio in RATIOS[1:]]
        self.aspp_blocks = nn.LayerList([near, *far])
        self.global_avg_pool = nn.Sequential(nn.AdaptiveAvgPool2D(1), ConvNormReLU(inputs, CHANNELS, 1))
        self.conv_bn_relu = ConvNormReLU(CHANNELS * (len(RATIOS) + 1), CHANNELS, 1, has_bias=True)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        found = [block(x) for block in self.aspp_blocks]
        found.append(resized(self.global_avg_pool(x), x))
        return self.dropout(self.conv_bn_relu(paddle.concat(found, axis=1)))


class _Decoder(nn.Layer):
    def __init__(self, num_classes: int, low: int) -> None:
        super().__init__()
        self.conv_bn_relu1 = ConvNormReLU(low, LOW_CHANNELS, 1, has_bias=True)
        self.conv_bn_relu2 = SeparableConvNormReLU(CHANNELS + LOW_CHANNELS, CHANNELS, 3)
        self.conv_bn_relu3 = SeparableConvNormReLU(CHANNELS, CHANNELS, 3)
        self.conv = nn.Conv2D(CHANNELS, num_classes, 1)

    def forward(self, x: paddle.Tensor, low: paddle.Tensor) -> paddle.Tensor:
        low = self.conv_bn_relu1(low)
        x = paddle.concat([resized(x, low), low], axis=1)
        return self.conv(self.conv_bn_relu3(self.conv_bn_relu2(x)))
