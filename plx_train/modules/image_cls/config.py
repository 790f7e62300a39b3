"""The options of image classification; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.vision.classifier import ClassifierOptions


@dataclass
class ImageClsConfig(ClassifierOptions):
    """Options of the room image_cls."""

    name: str = "image_cls"
    rotations: list[int] | None = None
    """Makes the classes by turning upright images by these angles clockwise; labels of the files are not read."""
    rotation_names: list[str] | None = None
    """Their names; null: the angles."""
    label_smoothing: float = 0.0
    class_weights: str = "none"
    """none, or balanced: rare classes count more, so that all count alike together."""
