"""Segmentation networks by name, and how they see images; nothing is imported for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
"""Mean and deviation of the channels: of ImageNet, and PaddleSeg's."""


@dataclass(frozen=True)
class SegmenterInput:
    """How a network sees images, as it was published.

    Attributes:
        mean, std: of the channels, of pixels from 0 to 1.
        paddlex: a model that PaddleX knows and runs in the same way; None: it knows this one.
        weights: in the catalogue, of its backbone.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    paddlex: str | None = None
    weights: str | None = None


INPUTS: Mapping[str, SegmenterInput] = MappingProxyType(
    {
        "PP-LiteSeg-T": SegmenterInput(*HALF),
        "PP-LiteSeg-B": SegmenterInput(*HALF),
        **{f"SegFormer-B{number}": SegmenterInput(*HALF) for number in range(6)},
        "OCRNet_HRNet-W18": SegmenterInput(*HALF),
        "OCRNet_HRNet-W48": SegmenterInput(*HALF),
        "DeepLabV3P_MobileNetV2": SegmenterInput(*IMAGENET, "Deeplabv3_Plus-R50", "MobileNetV2"),
    }
)
NETWORKS = tuple(INPUTS)
