"""The features of classifiers of images at strides 4, 8 and 16, under the names that their ImageNet weights have."""

from __future__ import annotations

import paddle
from paddle import nn

from plx_train.nn.anomaly.names import BACKBONES
from plx_train.nn.detection.backbones import EfficientNetLiteFeatures, MobileNetV2Features

LITE_STAGES = (1, 2, 4)
"""Stages of EfficientNet-Lite that are the last at strides 4, 8 and 16."""
MOBILE_BLOCKS = (3, 6, 13)
"""The same of MobileNetV2's blocks."""
STRIDES = (4, 8, 16)


class ResNetFeatures(nn.Layer):
    """Features of a ResNet (arXiv 1512.03385) at strides 4, 8 and 16."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        from paddle.vision import models

        whole = getattr(models, f"resnet{depth}")(num_classes=0, with_pool=False)
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"):
            setattr(self, name, getattr(whole, name))
        self.out_channels = (64, 128, 256) if depth < 50 else (256, 512, 1024)

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        first = self.layer1(x)
        second = self.layer2(first)
        return [first, second, self.layer3(second)]


def build_backbone(name: str) -> nn.Layer:
    """A network that gives features (N, C, H / stride, W / stride) at each of `STRIDES`, and ``out_channels``."""
    assert name in BACKBONES, name
    if name == "EfficientNet-Lite0":
        return EfficientNetLiteFeatures(LITE_STAGES)
    if name == "MobileNetV2":
        return MobileNetV2Features(MOBILE_BLOCKS)
    return ResNetFeatures(int(name.removeprefix("ResNet")))
