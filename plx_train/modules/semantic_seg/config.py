"""The options of semantic segmentation; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import Trait, above, at_least, length, multiple_of, one_of, option
from plx_train.nn.segmentation.names import NETWORKS
from plx_train.vision.classifier_options import CLASS_FILE
from plx_train.vision.mask_options import MaskViewOptions


@dataclass
class LossOptions:
    """What is learned of each pixel."""

    hard: float = option(0.9, above(0, at_most=1))
    """Probability of a pixel's own class from which on it is no longer learned; 1: all pixels are alike."""
    kept: float = option(0.0625, at_least(0, at_most=1))
    """Share of the pixels that are learned at least, the least sure ones."""
    dice: float = option(0.0, at_least(0))
    """Weight of Dice's loss, of the overlap with each class."""
    lovasz: float = option(0.0, at_least(0))
    """Weight of the Lovász loss, of intersection over union itself."""
    boundary: float = option(0.0, at_least(0))
    """Weight of the cross entropy of pixels that touch one of another class."""
    auxiliary: float = option(1.0, at_least(0))
    """Weight of the maps that PP-LiteSeg makes of coarser features, or of OCRNet's first guess, in training alone."""


@dataclass
class SemanticSegConfig:
    """Options of the room semantic_seg."""

    name: str = option("semantic_seg", Trait.INTERNAL)
    network: str = option("DeepLabV3P_MobileNetV2", one_of(*NETWORKS))
    """Network that is trained; there are published weights of MobileNetV2 alone."""
    model_name: str | None = None
    """Name in the exported inference.yml, of those that PaddleX knows; null: the network's, or that of one like it."""
    label_file: str = option(CLASS_FILE)
    """File of the classes in the dataset's folder: a number and a name a line; class 0 is usually the background."""
    size: list[int] = option([512, 512], multiple_of(32, at_least=64), length(2))
    """Width and height of the network's input, in pixels."""
    windows: bool = False
    """Sees images at their own size, in overlapping windows of `size`; false: stretched to `size`."""
    overlap: float = option(0.25, above(0, at_most=0.5))
    """Share of a window that its neighbours see too."""
    mean: list[float] | None = option(None, length(3))
    """Mean of each channel, of pixels from 0 to 1, which is taken off; null: as it was published."""
    std: list[float] | None = option(None, above(0), length(3))
    """Deviation of each channel, which is divided by; null: as it was published."""
    loss: LossOptions = field(default_factory=LossOptions)
    freeze_norm: bool = False
    """Batch norms of the backbone keep the statistics of its weights."""
    augment: MaskViewOptions = field(default_factory=MaskViewOptions)
