"""Detectors by name, and how they see images; nothing is imported for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EFFICIENTNET = (0.498, 0.498, 0.498), (0.502, 0.502, 0.502)
PLAIN = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
"""Mean and deviation of the channels: of ImageNet, of EfficientNet-Lite, of pixels that are only brought to 0 to 1."""

MIN_SCORE = 0.025
"""Score below which boxes are not looked at."""
MAX_CANDIDATES, MAX_BOXES = 1000, 100
"""Boxes of a class before, and of an image after, covered ones are left out; more of an image where it is asked for."""


@dataclass(frozen=True)
class DetectorInput:
    """How a network sees images, as it was published.

    Attributes:
        size: width and height in pixels.
        mean, std: of the channels, of pixels from 0 to 1.
        structure: name of the network that it is built and taught like; None: its own.
        paddlex: a model that PaddleX knows and runs in the same way; None: it knows this one.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    structure: str | None = None
    paddlex: str | None = None


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
        "PP-YOLOE_plus-X": DetectorInput((640, 640), *PLAIN),
        "PP-YOLOE_plus_SOD-S": DetectorInput((640, 640), *PLAIN),
        "PP-YOLOE_plus_SOD-L": DetectorInput((640, 640), *PLAIN),
        "PP-YOLOE_plus_SOD-largesize-L": DetectorInput((1920, 1920), *PLAIN),
        "PicoDet_EfficientNet_Lite0": DetectorInput((320, 320), *EFFICIENTNET, paddlex="PicoDet-S"),
        "PicoDet_MobileNetV2": DetectorInput((320, 320), *IMAGENET, paddlex="PicoDet-S"),
        "PicoDet_layout_1x_table": DetectorInput((608, 800), *IMAGENET, "PicoDet_layout_1x"),
        "PicoDet-S_layout_3cls": DetectorInput((480, 480), *IMAGENET, "PicoDet-S"),
        "PicoDet-S_layout_17cls": DetectorInput((480, 480), *IMAGENET, "PicoDet-S"),
        "PicoDet-L_layout_3cls": DetectorInput((640, 640), *IMAGENET, "PicoDet-L"),
        "PicoDet-L_layout_17cls": DetectorInput((640, 640), *IMAGENET, "PicoDet-L"),
        "PP-DocLayout-S": DetectorInput((480, 480), *IMAGENET, "PicoDet-S"),
        "PP-DocLayout-M": DetectorInput((640, 640), *IMAGENET, "PicoDet-L"),
        "PP-ShiTuV2_det": DetectorInput((640, 640), *IMAGENET),
        "PicoDet_LCNet_x2_5_face": DetectorInput((1088, 1088), *IMAGENET, "PP-ShiTuV2_det"),
        "PP-YOLOE_plus-S_face": DetectorInput((640, 640), *PLAIN, "PP-YOLOE_plus-S"),
        "PP-YOLOE-S_human": DetectorInput((640, 640), *IMAGENET),
        "PP-YOLOE-L_human": DetectorInput((640, 640), *IMAGENET),
        "PP-YOLOE-S_vehicle": DetectorInput((640, 640), *IMAGENET, "PP-YOLOE-S_human"),
        "PP-YOLOE-L_vehicle": DetectorInput((640, 640), *IMAGENET, "PP-YOLOE-L_human"),
        "RT-DETR-R18": DetectorInput((640, 640), *PLAIN),
        "RT-DETR-R50": DetectorInput((640, 640), *PLAIN),
        "RT-DETR-L": DetectorInput((640, 640), *PLAIN),
        "RT-DETR-X": DetectorInput((640, 640), *PLAIN),
        "RT-DETR-H": DetectorInput((640, 640), *PLAIN),
    }
)
NETWORKS = tuple(INPUTS)
PUBLISHED: Mapping[str, str] = MappingProxyType(
    {
        "PicoDet_layout_1x": "PicoDet_layout_CDLA",
        "PicoDet_layout_1x_table": "PicoDet_layout_CDLA",
        "PicoDet_EfficientNet_Lite0": "EfficientNet-Lite0",
        "PicoDet_MobileNetV2": "MobileNetV2",
    }
)
"""Weights in the catalogue, by the network that they are of, or whose backbone."""
SHAPE_TAKERS = ("DETR", "DINO", "RCNN", "YOLOv3", "CenterNet", "BlazeFace", "PP-DocLayout-L", "PP-DocLayout_plus-L",
                "PP-DocBlockLayout", "PP-DocLayoutV2", "PP-DocLayoutV3")  # fmt: skip
"""What the names of those models hold whose graph PaddleX tells the image's new size."""


def takes_shape(model_name: str) -> bool:
    """Whether PaddleX tells the graph of a model of this name the size that the image was brought to."""
    return any(part in model_name for part in SHAPE_TAKERS)
