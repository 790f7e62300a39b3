"""The options of object detection; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import RANGE, Trait, above, at_least, length, multiple_of, one_of, option
from plx_train.nn.detection.names import MAX_BOXES, NETWORKS


@dataclass
class BoxViewOptions:
    """Random changes of training images, with the boxes in them."""

    scale: list[float] = option([0.7, 1.2], above(0), length(2), RANGE)
    """Size of the image in the network's input, against that in evaluation, from and to."""
    aspect: float = option(1.15, at_least(1))
    """Largest factor by which the sides change against each other."""
    flip: bool = True
    """Mirrors half of the images left to right; false where that makes another class, or letters."""
    colour: float = option(0.3, at_least(0, at_most=1))
    """Strength of changes of brightness, contrast and saturation."""
    min_visible: float = option(0.4, above(0, at_most=1))
    """Share of a box that must be left in the picture to be learned."""


@dataclass
class ObjectDetConfig:
    """Options of the room object_det."""

    name: str = option("object_det", Trait.INTERNAL)
    network: str = option("PicoDet_layout_1x", one_of(*NETWORKS))
    """Network that is trained."""
    model_name: str | None = None
    """Name in the exported inference.yml, of those that PaddleX knows; null: the network's, or that of one like it."""
    size: list[int] | None = option(None, multiple_of(32, at_least=64), length(2))
    """Width and height of the network's input, in pixels; null: as it was published."""
    mean: list[float] | None = option(None, length(3))
    """Mean of each channel, of pixels from 0 to 1, which is taken off; null: as it was published."""
    std: list[float] | None = option(None, above(0), length(3))
    """Deviation of each channel, which is divided by; null: as it was published."""
    threshold: float = option(0.5, above(0, below=1))
    """Score from which on a box is shown, where none is chosen on held-out images."""
    nms_threshold: float = option(0.6, above(0, below=1))
    """Intersection over union from which on a box covers a less sure one of its class."""
    max_boxes: int = option(MAX_BOXES, at_least(MAX_BOXES, at_most=1000))
    """Boxes that are found in an image at most, the surest ones."""
    calibrate: bool = True
    """Chooses a threshold for each class on held-out images."""
    freeze_norm: bool | None = None
    """Batch norms keep the statistics of the weights; null: where there are weights to begin with."""
    augment: BoxViewOptions = field(default_factory=BoxViewOptions)
