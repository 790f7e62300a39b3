"""The options of object detection; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import Trait, above, at_least, length, multiple_of, one_of, option
from plx_train.nn.detection.names import MAX_BOXES, NETWORKS
from plx_train.vision.box_options import BoxViewOptions


@dataclass
class CalibrateOptions:
    """What is chosen on held-out images."""

    thresholds: bool = True
    """Chooses a threshold for each class."""
    precision: float | None = option(None, above(0, below=1))
    """Share of the boxes shown that shall be right, by as low a threshold as reaches it; null: the best F1."""


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
    tiles: str = "auto"
    """Cuts large images into overlapping tiles: auto, where objects are too small else; off; or their longer side."""
    mean: list[float] | None = option(None, length(3))
    """Mean of each channel, of pixels from 0 to 1, which is taken off; null: as it was published."""
    std: list[float] | None = option(None, above(0), length(3))
    """Deviation of each channel, which is divided by; null: as it was published."""
    threshold: float = option(0.5, above(0, below=1))
    """Score from which on a box is shown, where none is chosen on held-out images."""
    nms_threshold: float = option(0.6, above(0, below=1))
    """Intersection over union from which on a box covers a less sure one of its class; RT-DETR needs none."""
    max_boxes: int = option(MAX_BOXES, at_least(MAX_BOXES, at_most=1000))
    """Boxes that are found in an image at most, the surest ones; RT-DETR gives 300."""
    calibrate: CalibrateOptions = field(default_factory=CalibrateOptions)
    freeze_norm: bool | None = None
    """Batch norms keep the statistics of the weights; null: where there are weights to begin with."""
    augment: BoxViewOptions = field(default_factory=BoxViewOptions)
