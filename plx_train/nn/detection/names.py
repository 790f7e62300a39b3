"""Detectors by name, and how they see images; nothing is imported for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PLAIN = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
"""Mean and deviation of the channels: of ImageNet, and of pixels that are only brought to 0 to 1."""

MIN_SCORE = 0.025
"""Score below which boxes are not looked at."""
MAX_CANDIDATES, MAX_BOXES = 1000, 100
"""Boxes of a class before, and of an image after, covered ones are left out."""


@dataclass(frozen=True)
class DetectorInput:
    """How a network sees images, as it was published.

    Attributes:
        size: width and height in pixels.
        mean, std: of the channels, of pixels from 0 to 1.
        takes_shape: its graph is also told the size that the image was brought to, as of all DETRs.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    takes_shape: bool = False


INPUTS: Mapping[str, DetectorInput] = MappingProxyType(
    {
        "PicoDet-XS": DetectorInput((320, 320), *IMAGENET),
        "PicoDet-S": DetectorInput((320, 320), *IMAGENET),
        "PicoDet-M": DetectorInput((416, 416), *IMAGENET),
        "PicoDet-L": DetectorInput((640, 640), *IMAGENET),
        "PicoDet_layout_1x": DetectorInput((608, 800), *IMAGENET),
        "PP-YOLOE_plus-S": DetectorInput((640, 640), *PLAIN),
        "PP-YOLOE_plus-M": DetectorInput((640, 640), *PLAIN),
        "PP-YOLOE_plus-L": DetectorInput((640, 640), *PLAIN),
        "RT-DETR-R18": DetectorInput((640, 640), *PLAIN, takes_shape=True),
        "RT-DETR-R50": DetectorInput((640, 640), *PLAIN, takes_shape=True),
        "RT-DETR-L": DetectorInput((640, 640), *PLAIN, takes_shape=True),
        "RT-DETR-X": DetectorInput((640, 640), *PLAIN, takes_shape=True),
        "RT-DETR-H": DetectorInput((640, 640), *PLAIN, takes_shape=True),
    }
)
NETWORKS = tuple(INPUTS)
SHAPE_TAKERS = ("DETR", "DINO", "RCNN", "YOLOv3", "CenterNet", "BlazeFace", "PP-DocLayout-L", "PP-DocLayout_plus-L",
                "PP-DocBlockLayout", "PP-DocLayoutV2", "PP-DocLayoutV3")  # fmt: skip
"""What the names of those models hold whose graph PaddleX tells the image's new size."""


def takes_shape(model_name: str) -> bool:
    """Whether PaddleX tells the graph of a model of this name the size that the image was brought to."""
    return any(part in model_name for part in SHAPE_TAKERS)
