"""Detectors by name: how each is made and taught, as it was published."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import paddle

from plx_train.nn.detection import simota, task_aligned
from plx_train.nn.detection.assigned import Assigner
from plx_train.nn.detection.backbones import EfficientNetLiteFeatures, MobileNetV2Features
from plx_train.nn.detection.detector import Detector, PointDetector, Truths
from plx_train.nn.detection.exported import FinishedDetector, FinishedPoints, FinishedQueries
from plx_train.nn.detection.hgnet_v2 import SHAPES, HGNetV2
from plx_train.nn.detection.hybrid_encoder import EncoderShape
from plx_train.nn.detection.names import INPUTS
from plx_train.nn.detection.pico_det import PicoDet, PicoDetOn
from plx_train.nn.detection.point_loss import PointLoss
from plx_train.nn.detection.pp_yoloe import PPYOLOE
from plx_train.nn.detection.query_decoder import DecoderShape
from plx_train.nn.detection.query_detector import QueryDetector
from plx_train.nn.detection.query_loss import QueryLoss
from plx_train.nn.detection.resnet_vd import ResNetVd
from plx_train.nn.detection.rt_detr import RTDETR

NetworkT = TypeVar("NetworkT", bound=Detector)
Size = tuple[int, int]
"""Height and width of images."""
Total = Callable[[paddle.Tensor], paddle.Tensor]
"""Adds up over the processes of a run."""
Criterion = Callable[[Any, Truths, Size], dict[str, paddle.Tensor]]
"""Makes scalars, ``loss`` and its parts, of what `Detector.learn` gives of images of one size."""


@dataclass(frozen=True)
class DetectorRecipe(ABC, Generic[NetworkT]):
    """A family's way to make, teach and finish a network.

    Attributes:
        build: makes the network of the number of classes.
    """

    build: Callable[[int], NetworkT]

    @abstractmethod
    def criterion(self, network: NetworkT, total: Total) -> Criterion:
        """The loss."""

    @abstractmethod
    def finished(self, network: NetworkT, size: Size, nms_threshold: float, max_boxes: int) -> FinishedDetector:
        """The network with what makes boxes in the image's own pixels of its outputs."""


@dataclass(frozen=True)
class PointRecipe(DetectorRecipe[PointDetector]):
    """Points see boxes.

    Attributes:
        assign: chooses which points learn what.
        box_weight, distance_weight: how much the losses of boxes and distances count beside that of classes.
    """

    assign: Assigner = task_aligned.assign
    box_weight: float = 2.5
    distance_weight: float = 0.5

    def criterion(self, network: PointDetector, total: Total) -> Criterion:
        """See `DetectorRecipe`."""
        return PointLoss(network.strides, network.bins, self.assign, self.box_weight, self.distance_weight, total)

    def finished(self, network: PointDetector, size: Size, nms_threshold: float, max_boxes: int) -> FinishedDetector:
        """See `DetectorRecipe`."""
        return FinishedPoints(network, size, nms_threshold, max_boxes)


class QueryRecipe(DetectorRecipe[QueryDetector]):
    """Queries find boxes, each another one: there is nothing to leave out."""

    def criterion(self, network: QueryDetector, total: Total) -> Criterion:
        """See `DetectorRecipe`."""
        return QueryLoss(total)

    def finished(self, network: QueryDetector, size: Size, nms_threshold: float, max_boxes: int) -> FinishedDetector:
        """See `DetectorRecipe`."""
        return FinishedQueries(network, size)


def _rt_detr_r18(num_classes: int) -> RTDETR:
    return RTDETR(num_classes, ResNetVd(18), EncoderShape(expansion=0.5), DecoderShape(num_layers=3))


def _rt_detr_r50(num_classes: int) -> RTDETR:
    return RTDETR(num_classes, ResNetVd(50), EncoderShape(), DecoderShape())


def _rt_detr_hgnet(num_classes: int, name: str, encoder: EncoderShape) -> RTDETR:
    return RTDETR(num_classes, HGNetV2(SHAPES[name]), encoder, DecoderShape())


RECIPES: Mapping[str, DetectorRecipe[Any]] = MappingProxyType(
    {
        "PicoDet-XS": PointRecipe(partial(PicoDet, scale=0.35, channels=96, num_blocks=2)),
        "PicoDet-S": PointRecipe(partial(PicoDet, scale=0.75, channels=96, num_blocks=2)),
        "PicoDet-M": PointRecipe(partial(PicoDet, scale=1.5, channels=128)),
        "PicoDet-L": PointRecipe(partial(PicoDet, scale=2.0, channels=160)),
        "PicoDet_layout_1x": PointRecipe(
            partial(PicoDet, scale=1.0, channels=128, is_first_release=True), simota.assign, 2.0, 0.25
        ),
        "PP-YOLOE_plus-S": PointRecipe(partial(PPYOLOE, width=0.5, depth=0.33)),
        "PP-YOLOE_plus-M": PointRecipe(partial(PPYOLOE, width=0.75, depth=0.67)),
        "PP-YOLOE_plus-L": PointRecipe(partial(PPYOLOE, width=1.0, depth=1.0)),
        "PP-YOLOE_plus-X": PointRecipe(partial(PPYOLOE, width=1.25, depth=1.33)),
        "PP-YOLOE_plus_SOD-S": PointRecipe(
            partial(PPYOLOE, width=0.5, depth=0.33, bins=range(-2, 8), attends=True), task_aligned.assign_central
        ),
        "PP-YOLOE_plus_SOD-L": PointRecipe(
            partial(PPYOLOE, width=1.0, depth=1.0, bins=range(-2, 8), attends=True), task_aligned.assign_central
        ),
        "PP-YOLOE_plus_SOD-largesize-L": PointRecipe(
            partial(PPYOLOE, width=1.0, depth=1.0, bins=range(-2, 20), attends=True), task_aligned.assign_central
        ),
        "PP-YOLOE-S_human": PointRecipe(partial(PPYOLOE, width=0.5, depth=0.33, with_alpha=False)),
        "PP-YOLOE-L_human": PointRecipe(partial(PPYOLOE, width=1.0, depth=1.0, with_alpha=False)),
        "PP-ShiTuV2_det": PointRecipe(
            partial(PicoDet, scale=2.5, channels=128, is_first_release=True), simota.assign, 2.0, 0.25
        ),
        "PicoDet_EfficientNet_Lite0": PointRecipe(partial(PicoDetOn, EfficientNetLiteFeatures)),
        "PicoDet_MobileNetV2": PointRecipe(partial(PicoDetOn, MobileNetV2Features)),
        "RT-DETR-R18": QueryRecipe(_rt_detr_r18),
        "RT-DETR-R50": QueryRecipe(_rt_detr_r50),
        "RT-DETR-L": QueryRecipe(partial(_rt_detr_hgnet, name="L", encoder=EncoderShape())),
        "RT-DETR-X": QueryRecipe(partial(_rt_detr_hgnet, name="X", encoder=EncoderShape(384, width=2048))),
        "RT-DETR-H": QueryRecipe(
            partial(_rt_detr_hgnet, name="H", encoder=EncoderShape(512, num_layers=2, width=2048))
        ),
    }
)


def recipe_of(name: str) -> DetectorRecipe[Any]:
    """How the network `name` of `plx_train.nn.detection.names` is made and taught."""
    return RECIPES[INPUTS[name].structure or name]
