"""Detectors by name: how each is made and taught, as it was published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from plx_train.nn.detection import simota, task_aligned
from plx_train.nn.detection.assigned import Assigner
from plx_train.nn.detection.backbones import EfficientNetLiteFeatures, MobileNetV2Features
from plx_train.nn.detection.detector import Detector
from plx_train.nn.detection.names import INPUTS
from plx_train.nn.detection.pico_det import PicoDet, PicoDetOn
from plx_train.nn.detection.pp_yoloe import PPYOLOE


@dataclass(frozen=True)
class DetectorRecipe:
    """A network and its losses.

    Attributes:
        build: makes the network of the number of classes.
        assign: chooses which points learn what.
        box_weight, distance_weight: how much the losses of boxes and distances count beside that of classes.
    """

    build: Callable[[int], Detector]
    assign: Assigner = task_aligned.assign
    box_weight: float = 2.5
    distance_weight: float = 0.5


RECIPES: Mapping[str, DetectorRecipe] = MappingProxyType(
    {
        "PicoDet-XS": DetectorRecipe(partial(PicoDet, scale=0.35, channels=96, num_blocks=2)),
        "PicoDet-S": DetectorRecipe(partial(PicoDet, scale=0.75, channels=96, num_blocks=2)),
        "PicoDet-M": DetectorRecipe(partial(PicoDet, scale=1.5, channels=128)),
        "PicoDet-L": DetectorRecipe(partial(PicoDet, scale=2.0, channels=160)),
        "PicoDet_layout_1x": DetectorRecipe(
            partial(PicoDet, scale=1.0, channels=128, is_first_release=True), simota.assign, 2.0, 0.25
        ),
        "PP-YOLOE_plus-S": DetectorRecipe(partial(PPYOLOE, width=0.5, depth=0.33)),
        "PP-YOLOE_plus-M": DetectorRecipe(partial(PPYOLOE, width=0.75, depth=0.67)),
        "PP-YOLOE_plus-L": DetectorRecipe(partial(PPYOLOE, width=1.0, depth=1.0)),
        "PP-YOLOE_plus-X": DetectorRecipe(partial(PPYOLOE, width=1.25, depth=1.33)),
        "PP-YOLOE-S_human": DetectorRecipe(partial(PPYOLOE, width=0.5, depth=0.33, with_alpha=False)),
        "PP-YOLOE-L_human": DetectorRecipe(partial(PPYOLOE, width=1.0, depth=1.0, with_alpha=False)),
        "PP-ShiTuV2_det": DetectorRecipe(
            partial(PicoDet, scale=2.5, channels=128, is_first_release=True), simota.assign, 2.0, 0.25
        ),
        "PicoDet_EfficientNet_Lite0": DetectorRecipe(partial(PicoDetOn, EfficientNetLiteFeatures)),
        "PicoDet_MobileNetV2": DetectorRecipe(partial(PicoDetOn, MobileNetV2Features)),
    }
)


def recipe_of(name: str) -> DetectorRecipe:
    """How the network `name` of `plx_train.nn.detection.names` is made and taught."""
    return RECIPES[INPUTS[name].structure or name]
