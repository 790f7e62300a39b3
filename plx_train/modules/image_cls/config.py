"""The options of image classification; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import FILLED, Trait, at_least, one_of, option
from plx_train.vision.classifier_options import ClassifierOptions


@dataclass
class ImageClsConfig(ClassifierOptions):
    """Options of the room image_cls."""

    name: str = option("image_cls", Trait.INTERNAL)
    rotations: list[int] | None = option(None, FILLED)
    """Makes the classes by turning upright images by these angles clockwise, in degrees; labels are not read."""
    rotation_names: list[str] | None = None
    """Names of the classes that `rotations` makes; null: the angles."""
    label_smoothing: float = option(0.0, at_least(0, below=1))
    """Share of the probability that is spread over all classes in training."""
    class_weights: str = option("none", one_of("none", "balanced"))
    """Weights of the classes in the loss; balanced: rare ones count more, so that all count alike together."""
