"""Classifiers of images as backbones of detectors, under the names that their ImageNet weights have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import features_at
from plx_train.nn.efficientnet_lite import STAGES, EfficientNetLite0
from plx_train.nn.torch_names import from_torch

LITE_STAGES = (2, 4, 6)
"""Stages of EfficientNet-Lite that are the last at strides 8, 16 and 32."""
MOBILE_BLOCKS = (6, 13, 17)
"""The same of MobileNetV2's blocks."""
MOBILE_CHANNELS = (32, 16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
"""Channels that each of MobileNetV2's blocks gives."""


class EfficientNetLiteFeatures(nn.Layer):
    """Features of EfficientNet-Lite0, at strides 8, 16 and 32 where nothing else is asked for.

    Args:
        stages: those whose maps are given; what comes after the last is left out.
    """

    def __init__(self, stages: Sequence[int] = LITE_STAGES) -> None:
        super().__init__()
        whole = EfficientNetLite0(1)
        ends = np.cumsum([stage[0] for stage in STAGES]) - 1
        self.places = tuple(int(ends[stage]) for stage in stages)
        self.conv_stem, self.bn0, self.blocks = whole.conv_stem, whole.bn0, whole.blocks[: self.places[-1] + 1]
        self.out_channels = tuple(STAGES[stage][4] for stage in stages)

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        x = F.relu6(self.bn0(self.conv_stem(x)))
        return features_at(x, self.blocks, self.places)


class MobileNetV2Features(nn.Layer):
    """Features of MobileNetV2 (arXiv 1801.04381), at strides 8, 16 and 32 where nothing else is asked for.

    Args:
        blocks: those whose maps are given; what comes after the last is left out.
    """

    def __init__(self, blocks: Sequence[int] = MOBILE_BLOCKS) -> None:
        super().__init__()
        from paddle.vision.models import MobileNetV2

        self.places = tuple(blocks)
        self.out_channels = tuple(MOBILE_CHANNELS[block] for block in blocks)
        self.features = nn.Sequential(*list(MobileNetV2(num_classes=0).features)[: blocks[-1] + 1])

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return features_at(x, self.features, self.places)


def of_backbone(state: Mapping[str, np.ndarray], backbone: nn.Layer) -> dict[str, np.ndarray]:
    """The tensors of a classifier as those of a detector's `backbone`; those of a detector as they are."""
    renamed = from_torch(dict(state))
    known = set(backbone.state_dict())
    if not known & set(renamed):
        return dict(state)
    return {f"backbone.{name}": array for name, array in renamed.items() if name in known}
