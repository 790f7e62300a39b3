"""Images seen as a whole: resized, cut out at the centre and normalised as PaddleX's classifiers do it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

import cv2
import numpy as np

from plx_train.ground.errors import UserError
from plx_train.vision.bounds import check_made, check_seen
from plx_train.vision.normalise import SCALE, check_scales, planes_of, read_steps, table_of
from plx_train.vision.processor import ImageProcessor

INTERPOLATIONS = {
    "NEAREST": cv2.INTER_NEAREST, "LINEAR": cv2.INTER_LINEAR, "BILINEAR": cv2.INTER_LINEAR,
    "CUBIC": cv2.INTER_CUBIC, "BICUBIC": cv2.INTER_CUBIC, "AREA": cv2.INTER_AREA, "LANCZOS4": cv2.INTER_LANCZOS4,
}  # fmt: skip
CALIBRATION = "Calibration"
"""Section of ``inference.yml`` that PaddleX skips."""
STEPS = {"ResizeImage", "CropImage", "NormalizeImage", "ToCHWImage"}


class Transforms(TypedDict):
    """The fields of `WholeImageProcessor` that say how an image becomes the network's input."""

    resize_short: int | None
    size: tuple[int, int]
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class WholeImageProcessor(ImageProcessor):
    """Preprocessing of a network that sees whole images of one size.

    Attributes:
        labels: names of the classes by number.
        resize_short: length of the shorter side before the centre is cut out; None: stretched to `size`.
        size: width and height of the network's input in pixels.
    """

    labels: tuple[str, ...]
    resize_short: int | None = 256
    size: tuple[int, int] = (224, 224)
    interpolation: str = "LINEAR"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        if not self.labels:
            raise UserError("a classifier needs at least one class")
        if self.interpolation.upper() not in INTERPOLATIONS:
            raise UserError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, not {self.interpolation!r}")
        if len(self.size) != 2 or min(self.size) < 8:
            raise UserError(f"size must be width and height in pixels, 8 at least, not {list(self.size)}")
        check_seen(self.size[1], self.size[0], (self.size[1], self.size[0]), f"size={list(self.size)}")
        if self.resize_short is not None and self.resize_short < max(self.size):
            raise UserError(f"resize_short={self.resize_short} is shorter than the size {list(self.size)} to cut out")
        check_scales(self.mean, self.std)

    def preprocess(self, image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        """The input float32 (3, height, width) of an image uint8 (H, W, 3) BGR, and the image's (H, W)."""
        return self.normalise(self.fit(image)), (image.shape[0], image.shape[1])

    def fit(self, image: np.ndarray) -> np.ndarray:
        """The image at the network's size, uint8 (height, width, 3) BGR."""
        width, height = self.size
        if self.resize_short is None:
            return self.resize(image, width, height)
        self.check_shape(image.shape[:2])
        rows, columns = self._resized(image.shape[:2], self.resize_short)
        image = self.resize(image, columns, rows)
        top, left = max(0, (rows - height) // 2), max(0, (columns - width) // 2)
        return image[top : top + height, left : left + width]

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """
        Raises:
            TooManyPixels: an image of this height and width is so long that its shorter side can't be resized.
        """
        if self.resize_short is not None:
            check_made(*self._resized(shape, self.resize_short), shape, f"resize_short={self.resize_short}")

    def shape_settings(self) -> dict[str, Any]:
        """The length of the shorter side, if there is one."""
        return {} if self.resize_short is None else {"resize_short": self.resize_short}

    @staticmethod
    def _resized(shape: tuple[int, ...], short: int) -> tuple[int, int]:
        """Height and width once the shorter side is `short` pixels long."""
        scale = short / min(shape[:2])
        return round(shape[0] * scale), round(shape[1] * scale)

    def resize(self, image: np.ndarray, width: int, height: int) -> np.ndarray:
        """`image` (H, W, 3) as (height, width, 3)."""
        if image.shape[:2] == (height, width):
            return image
        return cv2.resize(image, (width, height), interpolation=INTERPOLATIONS[self.interpolation.upper()])

    def normalise(self, image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Pixels uint8 (h, w, 3) BGR as float32 (3, h, w) RGB, in `out` if given."""
        return planes_of(image, self._table, "RGB", out)

    @cached_property
    def _table(self) -> np.ndarray:
        return table_of(self.mean, self.std)

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` from which PaddleX, and `from_inference`, do the same."""
        return {
            "Global": {"model_name": model_name},
            "PreProcess": {"transform_ops": self._transform_ops()},
            "PostProcess": self.post_process(),
            **self.own_sections(),
        }

    def _transform_ops(self) -> list[dict[str, Any]]:
        resize: dict[str, Any] = {"interpolation": self.interpolation}
        steps: list[dict[str, Any]] = [{"ResizeImage": resize}]
        if self.resize_short is None:
            resize["size"] = list(self.size)
        else:
            resize["resize_short"] = self.resize_short
            steps.append({"CropImage": {"size": list(self.size)}})
        normalise = {"mean": list(self.mean), "std": list(self.std), "scale": SCALE, "order": "", "channel_num": 3}
        return [*steps, {"NormalizeImage": normalise}, {"ToCHWImage": None}]

    @abstractmethod
    def post_process(self) -> dict[str, Any]:
        """The section ``PostProcess``, as PaddleX reads it."""

    def own_sections(self) -> dict[str, Any]:
        """Sections that PaddleX skips."""
        return {}


def transforms_of(inference: Mapping[str, Any], what: str) -> Transforms:
    """How an ``inference.yml`` has images become the network's input, read as PaddleX reads it.

    Args:
        what: the kind of model that is wanted, for messages.

    Raises:
        UserError: it holds a step that is not a classifier's, or one that can't be done here.
    """
    try:
        steps = read_steps(inference)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError("inference.yml has no PreProcess.transform_ops") from error
    unknown = sorted(set(steps) - STEPS)
    if unknown or not {"ResizeImage", "NormalizeImage"} <= set(steps):
        raise UserError(f"inference.yml is not of {what}: steps {', '.join(unknown or steps)}")
    resize, normalise = steps["ResizeImage"], steps["NormalizeImage"]
    if resize.get("backend", "cv2") != "cv2":
        raise UserError(f"ResizeImage in inference.yml asks for the backend {resize['backend']}, only cv2 is known")
    if abs(float(normalise.get("scale", SCALE)) - SCALE) > 1e-9:
        raise UserError(f"NormalizeImage in inference.yml scales by {normalise['scale']}, only 1/255 is known")
    short = resize.get("resize_short")
    size = steps.get("CropImage", {}).get("size", 224) if short else resize["size"]
    return Transforms(
        resize_short=int(short) if short else None,
        size=(size, size) if isinstance(size, int) else (int(size[0]), int(size[1])),
        interpolation=str(resize.get("interpolation", "LINEAR")),
        mean=tuple(float(value) for value in normalise["mean"]),
        std=tuple(float(value) for value in normalise["std"]),
    )
