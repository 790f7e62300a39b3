"""What is done to an image before the network and to its map after it; all its numbers go into inference.yml.

The arithmetic is that of PaddleX's text detection predictor: an export behaves there as it does here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from plx_train.contract.processor import Graph
from plx_train.ground.errors import UserError
from plx_train.modules.text_det.boxes import Regions, binarise, find_polygons, find_quads, grow_polygons, grow_quads
from plx_train.modules.text_det.prediction import TextDetPrediction
from plx_train.vision.bounds import check_seen
from plx_train.vision.normalise import IMAGE_MODES, decode_step, image_mode_of, planes_of, read_transforms, table_of
from plx_train.vision.pieces import pieces_of, whole_map
from plx_train.vision.processor import ImageProcessor

STRIDE = 32
"""The network's input sides are multiples of it."""
SCALE, ORDER = "1./255.", "hwc"
"""Settings of the normalisation, as PaddleX writes it for text detection."""
NEEDED = ("DetResizeForTest", "NormalizeImage", "ToCHWImage")
OTHERS = ("DecodeImage", "DetLabelEncode", "KeepKeys")
"""Transforms that must stand in ``inference.yml``, and that may."""

NAMES_THAT_SHRINK_ONLY = frozenset(
    f"PP-OCR{version}_det"
    for version in (
        *("v3_mobile", "v3_server", "v4_mobile", "v4_server", "v5_mobile", "v5_server"),
        *("v6_tiny", "v6_small", "v6_medium"),
    )
)
"""PaddleX ties `limit_type` to the model's name: ``max`` for these, ``min`` for all others."""


@dataclass(frozen=True)
class TextDetProcessor(ImageProcessor):
    """Pre- and postprocessing of text detection.

    Attributes:
        limit_side_len: side length the image is resized towards, in pixels.
        limit_type: ``max`` shrinks images whose long side is longer, ``min`` enlarges those whose
            short side is shorter.
        max_side_limit: no side gets longer than this.
        image_mode: order of the colour channels the network was trained with, ``BGR`` or ``RGB``.
        mean, std: of the channels in that order, for pixels scaled to 0..1.
        thresh: a pixel of the map above it is text, 0 to 1.
        box_thresh: mean probability a box must have, 0 to 1.
        unclip_ratio: how far boxes are grown, relative to area / perimeter.
        max_candidates: regions looked at on one image.
        use_dilation: thickens the binarised map by a pixel.
        score_mode: ``fast`` averages over the box, ``slow`` over the region's outline.
        box_type: ``quad`` or ``poly``.
    """

    limit_side_len: int = 960
    limit_type: str = "max"
    max_side_limit: int = 4000
    image_mode: str = "BGR"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    thresh: float = 0.3
    box_thresh: float = 0.6
    unclip_ratio: float = 1.5
    max_candidates: int = 1000
    use_dilation: bool = False
    score_mode: str = "fast"
    box_type: str = "quad"

    def __post_init__(self) -> None:
        choices = {
            "limit_type": ("max", "min"),
            "image_mode": IMAGE_MODES,
            "score_mode": ("fast", "slow"),
            "box_type": ("quad", "poly"),
        }
        for field, allowed in choices.items():
            if getattr(self, field) not in allowed:
                raise UserError(f"{field} must be one of {', '.join(allowed)}, not {getattr(self, field)!r}")
        for field in ("thresh", "box_thresh"):
            # PaddleX takes 0 for "not set" and falls back to its default.
            if not 0 < getattr(self, field) < 1:
                raise UserError(f"{field} must lie between 0 and 1, not {getattr(self, field)}")
        for field in ("unclip_ratio", "limit_side_len", "max_candidates"):
            if getattr(self, field) <= 0:
                raise UserError(f"{field} must be above 0, not {getattr(self, field)}")

    def input_size(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Height and width at which the network sees an image of `shape` (height, width)."""
        height, width = shape
        ratio = 1.0
        if self.limit_type == "max" and max(shape) > self.limit_side_len:
            ratio = self.limit_side_len / max(shape)
        elif self.limit_type == "min" and min(shape) < self.limit_side_len:
            ratio = self.limit_side_len / min(shape)
        height, width = int(height * ratio), int(width * ratio)
        if max(height, width) > self.max_side_limit:
            ratio = self.max_side_limit / max(height, width)
            height, width = int(height * ratio), int(width * ratio)
        return _to_stride(height), _to_stride(width)

    def preprocess(self, image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        """The network's input float32 (3, h, w) of an image uint8 (H, W, 3) BGR, and the image's (H, W)."""
        shape = image.shape[:2]
        if sum(shape) < 64:
            image = _pad(image)
        height, width = self.input_size(image.shape[:2])
        check_seen(height, width, shape, f"limit_side_len={self.limit_side_len}")
        if (height, width) != image.shape[:2]:
            image = cv2.resize(image, (width, height))
        return self.normalise(image), shape

    def predict_in_pieces(self, graph: Graph, original: np.ndarray) -> TextDetPrediction | None:
        """The boxes of a long image whose text would be shrunk to less than can be read; None: it is none."""
        shape = original.shape[:2]
        pieces = pieces_of(shape, self.input_size)
        if pieces is None:
            return None

        def map_of(picture: np.ndarray) -> np.ndarray:
            return self.split_outputs(graph(self.normalise(picture)[None]))[0]

        prob_map = whole_map(pieces, original, map_of)
        every = replace(self, max_candidates=self.max_candidates * len(pieces.starts))
        return every.postprocess(prob_map, shape)

    def normalise(self, image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Pixels uint8 (h, w, 3) BGR as float32 (3, h, w) in the order of `image_mode`, in `out` if given."""
        return planes_of(image, self._table, self.image_mode, out)

    @cached_property
    def _table(self) -> np.ndarray:
        return table_of(self.mean, self.std)

    def postprocess(self, prob_map: np.ndarray, shape: tuple[int, int]) -> TextDetPrediction:
        """Boxes that a probability map float32 (h, w) shows, in pixels of the image of `shape` (H, W)."""
        return self._grown(self.regions(prob_map, self.box_thresh), shape)

    def postprocess_with(
        self, other: TextDetProcessor, prob_map: np.ndarray, shape: tuple[int, int]
    ) -> tuple[TextDetPrediction, TextDetPrediction]:
        """What `postprocess` of both give; what both find on the map is found once."""
        if replace(other, box_thresh=self.box_thresh, unclip_ratio=self.unclip_ratio) != self:
            return self.postprocess(prob_map, shape), other.postprocess(prob_map, shape)
        regions = self.regions(prob_map, min(self.box_thresh, other.box_thresh))
        first, second = (each._grown(regions.above(each.box_thresh), shape) for each in (self, other))
        return first, second

    def regions(self, prob_map: np.ndarray, min_score: float) -> Regions:
        """What is found on a map before it is grown, with a score of at least `min_score`."""
        mask = binarise(prob_map, self.thresh, self.use_dilation)
        if self.box_type == "poly":
            return find_polygons(prob_map, mask, self.max_candidates, min_score)
        return find_quads(prob_map, mask, self.max_candidates, self.score_mode, min_score)

    def grow(self, regions: Regions, shape: tuple[int, int]) -> tuple[np.ndarray | list[np.ndarray], np.ndarray]:
        """The boxes of regions in pixels of an image of `shape`, and the regions' indices int64 (N,)."""
        grow = grow_polygons if self.box_type == "poly" else grow_quads
        return grow(regions, self.unclip_ratio, shape)

    def _grown(self, regions: Regions, shape: tuple[int, int]) -> TextDetPrediction:
        quads, kept = self.grow(regions, shape)
        return TextDetPrediction(quads, regions.scores[kept].astype(np.float32))

    def split_outputs(self, outputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What `postprocess` takes per image, of the graph's outputs; the first is float32 (N, 1, h, w)."""
        return list(outputs[0][:, 0])

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` from which PaddleX, and `from_inference`, do the same.

        Raises:
            UserError: PaddleX would process images otherwise under this `model_name`.
        """
        if self.limit_type != _limit_type(model_name):
            raise UserError(
                f"PaddleX resizes by limit_type={_limit_type(model_name)} for the name {model_name}, "
                f"not by {self.limit_type}: choose another module.model_name"
            )
        if self.max_side_limit != TextDetProcessor.max_side_limit:
            raise UserError(f"inference.yml can't carry max_side_limit={self.max_side_limit}: leave it at its default")
        mean, std = list(self.mean), list(self.std)
        return {
            "Global": {"model_name": model_name},
            "PreProcess": {
                "transform_ops": [
                    decode_step(self.image_mode),
                    {"DetResizeForTest": {"resize_long": self.limit_side_len}},
                    {"NormalizeImage": {"mean": mean, "std": std, "scale": SCALE, "order": ORDER}},
                    {"ToCHWImage": None},
                ]
            },
            "PostProcess": {
                "name": "DBPostProcess",
                "thresh": self.thresh,
                "box_thresh": self.box_thresh,
                "max_candidates": self.max_candidates,
                "unclip_ratio": self.unclip_ratio,
                "use_dilation": self.use_dilation,
                "score_mode": self.score_mode,
                "box_type": self.box_type,
            },
        }

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> TextDetProcessor:
        """The processor that an ``inference.yml`` of text detection describes, read as PaddleX reads it.

        Raises:
            UserError: it holds a step that is not text detection's, or one that can't be done here.
        """
        steps, post = read_transforms(inference, "text detection", "DBPostProcess", NEEDED, OTHERS)
        limit_type = _limit_type((inference.get("Global") or {}).get("model_name", ""))
        resize, normalise = steps["DetResizeForTest"], steps["NormalizeImage"]
        if "image_shape" in resize:
            raise UserError("DetResizeForTest with a fixed image_shape in inference.yml is not supported")
        if normalise.get("order") != ORDER or normalise.get("scale", SCALE) not in (SCALE, 1 / 255):
            raise UserError(f"NormalizeImage in inference.yml must have the scale {SCALE} and the order {ORDER}")
        return cls(
            limit_side_len=int(resize.get("resize_long", 960 if limit_type == "max" else 736)),
            limit_type=limit_type,
            image_mode=image_mode_of(steps),
            mean=_three(normalise.get("mean", cls.mean)),
            std=_three(normalise.get("std", cls.std)),
            thresh=float(post.get("thresh", cls.thresh)),
            box_thresh=float(post.get("box_thresh", cls.box_thresh)),
            unclip_ratio=float(post.get("unclip_ratio", 2.0)),
            max_candidates=int(post.get("max_candidates", cls.max_candidates)),
            use_dilation=bool(post.get("use_dilation", False)),
            score_mode=str(post.get("score_mode", cls.score_mode)),
            box_type=str(post.get("box_type", cls.box_type)),
        )


def _limit_type(model_name: str) -> str:
    return "max" if model_name in NAMES_THAT_SHRINK_ONLY else "min"


def _to_stride(side: int) -> int:
    return max(round(side / STRIDE) * STRIDE, STRIDE)


def _pad(image: np.ndarray) -> np.ndarray:
    """A tiny image enlarged with black to the right and below, to at least 32 x 32."""
    height, width = image.shape[:2]
    padded = np.zeros((max(32, height), max(32, width), 3), np.uint8)
    padded[:height, :width] = image
    return padded


def _three(values: Any) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
