"""Pre- and postprocessing of image classification as PaddleX does it; numpy and OpenCV only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plx_train.contract.module import Processor
from plx_train.contract.prediction import Prediction
from plx_train.ground.errors import ConfigError, UserError
from plx_train.metrics.temperature import tempered
from plx_train.vision.image import IMAGE_SUFFIXES, as_image, to_planes, white_image

TOP = 5
"""Classes that a prediction holds unless it is asked for more or fewer."""
SCALE = 1 / 255
INTERPOLATIONS = {
    "NEAREST": cv2.INTER_NEAREST, "LINEAR": cv2.INTER_LINEAR, "BILINEAR": cv2.INTER_LINEAR,
    "CUBIC": cv2.INTER_CUBIC, "BICUBIC": cv2.INTER_CUBIC, "AREA": cv2.INTER_AREA, "LANCZOS4": cv2.INTER_LANCZOS4,
}  # fmt: skip
CALIBRATION = "Calibration"
"""Section of ``inference.yml`` that PaddleX skips."""


@dataclass(frozen=True)
class ImageClsPrediction(Prediction):
    """The likeliest classes, best first.

    Attributes:
        classes: their numbers, int64 (k,).
        scores: how probable each is, float32 (k,).
        names: their names.
    """

    classes: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """``{"class_ids": […], "scores": […], "label_names": […]}``, as PaddleX names them."""
        scores = [round(float(score), 5) for score in self.scores]
        return {"class_ids": self.classes.tolist(), "scores": scores, "label_names": list(self.names)}

    def findings(self) -> dict[str, Any]:
        """The same as arrays, in PaddleX's types."""
        scores = np.round(np.asarray(self.scores, np.float32), 5)
        return {"class_ids": np.asarray(self.classes, np.int32), "scores": scores, "label_names": list(self.names)}

    def captions(self) -> list[tuple[str, float]]:
        """The classes and their scores."""
        return list(zip(self.names, self.scores.tolist(), strict=True))


@dataclass(frozen=True)
class ImageClsProcessor(Processor):
    """Pre- and postprocessing of image classification.

    Attributes:
        labels: names of the classes by number.
        resize_short: length of the shorter side before the centre is cut out; None: stretched to `size`.
        size: width and height of the network's input in pixels.
        temperature: what the logits are divided by (Guo et al., 2017): above 1 scores are less sure of themselves.
        topk: classes that a prediction holds, at most; not shipped.
    """

    labels: tuple[str, ...]
    resize_short: int | None = 256
    size: tuple[int, int] = (224, 224)
    interpolation: str = "LINEAR"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    temperature: float = 1.0
    topk: int = TOP

    def __post_init__(self) -> None:
        if not self.labels:
            raise UserError("a classifier needs at least one class")
        if self.interpolation.upper() not in INTERPOLATIONS:
            raise UserError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, not {self.interpolation!r}")
        if len(self.size) != 2 or min(self.size) < 8:
            raise UserError(f"size must be width and height in pixels, 8 at least, not {list(self.size)}")
        if self.resize_short is not None and self.resize_short < max(self.size):
            raise UserError(f"resize_short={self.resize_short} is shorter than the size {list(self.size)} to cut out")
        if len(self.mean) != 3 or len(self.std) != 3 or not min(self.std) > 0:
            raise UserError("mean and std must be three numbers each, those of std above 0")
        if not self.temperature > 0:
            raise UserError(f"temperature must be above 0, not {self.temperature}")
        if self.topk < 1:
            raise ConfigError(f"topk={self.topk} must be at least 1")

    @property
    def suffixes(self) -> frozenset[str]:
        """Of the files that `as_input` reads."""
        return IMAGE_SUFFIXES

    def as_input(self, given: Path | str | np.ndarray) -> np.ndarray:
        """The image in a file, or a given array: uint8 (H, W, 3) BGR.

        Raises:
            UserError: it is neither.
        """
        return as_image(given)

    def example(self) -> np.ndarray:
        """An image as `preprocess` takes it."""
        return white_image()

    def preprocess(self, image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        """From an image uint8 (H, W, 3) BGR the input float32 (3, height, width), and the image's (H, W)."""
        return self.normalise(self.fit(image)), (image.shape[0], image.shape[1])

    def fit(self, image: np.ndarray) -> np.ndarray:
        """The image at the network's size, uint8 (height, width, 3) BGR."""
        width, height = self.size
        if self.resize_short is None:
            return self.resize(image, width, height)
        scale = self.resize_short / min(image.shape[:2])
        rows, columns = (round(side * scale) for side in image.shape[:2])
        image = self.resize(image, columns, rows)
        top, left = max(0, (rows - height) // 2), max(0, (columns - width) // 2)
        return image[top : top + height, left : left + width]

    def resize(self, image: np.ndarray, width: int, height: int) -> np.ndarray:
        """`image` (H, W, 3) as (height, width, 3)."""
        if image.shape[:2] == (height, width):
            return image
        return cv2.resize(image, (width, height), interpolation=INTERPOLATIONS[self.interpolation.upper()])

    def normalise(self, image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """From uint8 (h, w, 3) BGR to float32 (3, h, w) RGB, in `out` if given."""
        if out is None:
            out = np.empty((3, *image.shape[:2]), np.float32)
        to_planes(image, self._table, out[::-1])
        return out

    @cached_property
    def _table(self) -> np.ndarray:
        """The normalised value of each of the 256 pixel values per channel of BGR, float32 (3, 256)."""
        # In these steps and this precision PaddleX normalises, so both give the same bits.
        values = np.tile(np.arange(256, dtype=np.float32), (3, 1))
        for channel in range(3):
            values[channel] *= SCALE / self.std[channel]
            values[channel] += -self.mean[channel] / self.std[channel]
        return values[::-1].copy()

    def postprocess(self, probabilities: np.ndarray, shape: tuple[int, int]) -> ImageClsPrediction:
        """The likeliest classes of probabilities float32 (classes,)."""
        scores = tempered(probabilities, self.temperature)
        best = scores.argsort()[-self.topk :][::-1]
        return ImageClsPrediction(best, scores[best], tuple(self.labels[index] for index in best))

    def split_outputs(self, outputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What `postprocess` takes per image, of the graph's outputs; the first is float32 (N, classes)."""
        return list(outputs[0])

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` from which PaddleX, and `from_inference`, do the same.

        The temperature is a section of its own: PaddleX skips it, and shows the scores as they are trained.
        """
        resize: dict[str, Any] = {"interpolation": self.interpolation}
        steps: list[dict[str, Any]] = [{"ResizeImage": resize}]
        if self.resize_short is None:
            resize["size"] = list(self.size)
        else:
            resize["resize_short"] = self.resize_short
            steps.append({"CropImage": {"size": list(self.size)}})
        normalise = {"mean": list(self.mean), "std": list(self.std), "scale": SCALE, "order": "", "channel_num": 3}
        steps += [{"NormalizeImage": normalise}, {"ToCHWImage": None}]
        return {
            "Global": {"model_name": model_name},
            "PreProcess": {"transform_ops": steps},
            "PostProcess": {"Topk": {"topk": min(TOP, len(self.labels)), "label_list": list(self.labels)}},
            CALIBRATION: {"temperature": self.temperature},
        }


def from_inference(inference: dict[str, Any]) -> ImageClsProcessor:
    """The processor that an ``inference.yml`` of image classification describes, read as PaddleX reads it.

    Raises:
        UserError: it holds a step that is not image classification's, or one that can't be done here.
    """
    try:
        steps = {name: step or {} for op in inference["PreProcess"]["transform_ops"] for name, step in op.items()}
        labels = inference["PostProcess"]["Topk"]["label_list"]
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError("inference.yml has no PreProcess.transform_ops and PostProcess.Topk.label_list") from error
    unknown = sorted(set(steps) - {"ResizeImage", "CropImage", "NormalizeImage", "ToCHWImage"})
    if unknown or not {"ResizeImage", "NormalizeImage"} <= set(steps):
        raise UserError(f"inference.yml is not of image classification: steps {', '.join(unknown or steps)}")
    resize, normalise = steps["ResizeImage"], steps["NormalizeImage"]
    if resize.get("backend", "cv2") != "cv2":
        raise UserError(f"ResizeImage in inference.yml asks for the backend {resize['backend']}, only cv2 is known")
    if abs(float(normalise.get("scale", SCALE)) - SCALE) > 1e-9:
        raise UserError(f"NormalizeImage in inference.yml scales by {normalise['scale']}, only 1/255 is known")
    short = resize.get("resize_short")
    size = steps.get("CropImage", {}).get("size", 224) if short else resize["size"]
    calibration = inference.get(CALIBRATION) or {}
    return ImageClsProcessor(
        labels=tuple(str(label) for label in labels),
        resize_short=int(short) if short else None,
        size=(size, size) if isinstance(size, int) else (int(size[0]), int(size[1])),
        interpolation=str(resize.get("interpolation", "LINEAR")),
        mean=tuple(float(value) for value in normalise["mean"]),
        std=tuple(float(value) for value in normalise["std"]),
        temperature=float(calibration.get("temperature", 1.0)),
    )
