"""OCRNet (arXiv 1909.11065); structure and names of the head's parameters are PaddleSeg's."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.segmentation.layers import ConvNormReLU, resized

CHANNELS, KEYS = 512, 256
"""Channels of what is known of points and of classes, and of what they are compared by."""
DROPOUT = 0.1


class OCRNet(nn.Layer):
    """Logits (N, classes, H, W) of images (N, 3, H, W), in training with a second map, of the first guess.

    Args:
        backbone: gives one map of features, of ``out_channels``.
    """

    def __init__(self, num_classes: int, backbone: nn.Layer) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = _Head(num_classes, *backbone.out_channels)

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        maps = self.head(self.backbone(x)[0])
        return [resized(each, x) for each in (maps if self.training else maps[:1])]


class _Head(nn.Layer):
    """A first guess of classes, what each looks like in this image, and points that know it of all classes."""

    def __init__(self, num_classes: int, inputs: int) -> None:
        super().__init__()
        self.spatial_ocr = nn.Layer()
        self.spatial_ocr.attention_block = _Attention()
        mixing = ConvNormReLU(2 * CHANNELS, CHANNELS, 1, has_bias=True)
        self.spatial_ocr.conv1x1 = nn.Sequential(mixing, nn.Dropout2D(DROPOUT))
        self.conv3x3_ocr = ConvNormReLU(inputs, CHANNELS, 3, has_bias=True)
        self.cls_head = nn.Conv2D(CHANNELS, num_classes, 1)
        guessing = ConvNormReLU(inputs, inputs, 1, has_bias=True)
        self.aux_head = nn.Sequential(guessing, nn.Conv2D(inputs, num_classes, 1))

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        guess, points = self.aux_head(x), self.conv3x3_ocr(x)
        shares = F.softmax(guess.flatten(2), axis=-1)
        # The mean of the points of a class, (N, C, classes, 1).
        regions = paddle.matmul(points.flatten(2), shares, transpose_y=True).unsqueeze(-1)
        context = self.spatial_ocr.attention_block(points, regions)
        known = self.spatial_ocr.conv1x1(paddle.concat([context, points], axis=1))
        return [self.cls_head(known), guess]


class _Attention(nn.Layer):
    """What points take from what is known of each class."""

    def __init__(self) -> None:
        super().__init__()
        self.f_pixel, self.f_object = _twice(), _twice()
        self.f_down = ConvNormReLU(CHANNELS, KEYS, 1, has_bias=True)
        self.f_up = ConvNormReLU(KEYS, CHANNELS, 1, has_bias=True)

    def forward(self, points: paddle.Tensor, regions: paddle.Tensor) -> paddle.Tensor:
        query, key = self.f_pixel(points).flatten(2), self.f_object(regions).flatten(2)
        alike = paddle.matmul(query * KEYS**-0.5, key, transpose_x=True)
        taken = paddle.matmul(self.f_down(regions).flatten(2), F.softmax(alike, axis=-1), transpose_y=True)
        return self.f_up(taken.reshape([0, KEYS, points.shape[2], points.shape[3]]))


def _twice() -> nn.Sequential:
    first = ConvNormReLU(CHANNELS, KEYS, 1, has_bias=True)
    return nn.Sequential(first, ConvNormReLU(KEYS, KEYS, 1, has_bias=True))
