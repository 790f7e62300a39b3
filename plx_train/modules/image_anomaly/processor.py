"""Pre- and postprocessing of anomaly detection in images as PaddleX does it; numpy and OpenCV only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from plx_train.contract.prediction import Prediction
from plx_train.ground.errors import UserError
from plx_train.vision.bounds import check_seen
from plx_train.vision.normalise import check_scales, planes_of, table_of
from plx_train.vision.processor import ImageProcessor

CALIBRATION = "Calibration"
"""Section of ``inference.yml`` that PaddleX skips."""
PADDLEX_THRESHOLD = 0.01
"""Score above which PaddleX calls a pixel a defect, whatever the model."""
RADIUS = 4
"""Radius of the disk, in the network's pixels, that must fit into whatever is a defect."""
UNCHOSEN, UNCHOSEN_RULE = 1.0, "nothing was held out to choose it on"
HIGHEST = 6e4
"""The highest score of a pixel, which is kept as float16."""


@dataclass(frozen=True)
class AnomalyPrediction(Prediction):
    """What is odd about a picture; 1 is the threshold of all scores.

    Attributes:
        score: of the picture: the highest above which a disk of `RADIUS` fits.
        heat: of its pixels, float16 (h, w), of the network's size.
        pred: PaddleX's answer, uint8 (1, h, w): 255 where there is a defect, which is nowhere where `score` is no
            higher than what is asked for.
    """

    score: float
    heat: np.ndarray
    pred: np.ndarray

    @property
    def is_anomalous(self) -> bool:
        """Whether there is a defect."""
        return bool(self.pred.any())

    def to_json(self) -> dict[str, Any]:
        """Score, verdict, and the share of the picture that is odd."""
        area = float(np.count_nonzero(self.pred) / self.pred.size)
        return {"score": round(self.score, 5), "is_anomalous": self.is_anomalous, "area": round(area, 5)}

    def findings(self) -> dict[str, Any]:
        """The same beside what PaddleX gives."""
        return {"pred": self.pred, **self.to_json()}


@dataclass(frozen=True)
class ImageAnomalyProcessor(ImageProcessor):
    """Pre- and postprocessing of anomaly detection in images.

    PaddleX cuts all models' scores at one threshold. So the graph scales them until that is this model's.

    Attributes:
        size: width and height of the network's input in pixels.
        threshold: the network's score above which there is a defect; `rule` says where it comes from.
        cut: scaled score above which there is a defect; not shipped.
    """

    size: tuple[int, int] = (256, 256)
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    threshold: float = UNCHOSEN
    rule: str = UNCHOSEN_RULE
    cut: float = 1.0

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 32:
            raise UserError(f"size must be width and height in pixels, 32 at least, not {list(self.size)}")
        check_seen(self.size[1], self.size[0], (self.size[1], self.size[0]), f"size={list(self.size)}")
        check_scales(self.mean, self.std)
        if not 0 < self.threshold < np.inf or not self.cut > 0:
            raise UserError(f"thresholds must be above 0, not {self.threshold} and {self.cut}")

    def preprocess(self, image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        """The input float32 (3, height, width) of an image uint8 (H, W, 3) BGR, and the image's (H, W)."""
        small = image if image.shape[1::-1] == self.size else cv2.resize(image, self.size)
        return planes_of(small, self._table, "RGB"), (image.shape[0], image.shape[1])

    @cached_property
    def _table(self) -> np.ndarray:
        return table_of(self.mean, self.std)

    def postprocess(self, output: np.ndarray, shape: tuple[int, int]) -> AnomalyPrediction:
        """What the network's scores float32 (h, w) say."""
        scaled = np.clip(output / self.threshold, 0, HIGHEST)
        found = _opened((scaled > self.cut).astype(np.uint8) * 255)
        return AnomalyPrediction(score_of(scaled), scaled.astype(np.float16), found[None])

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """The network's scores per image, of the graph's scaled ones (N, 1, h, w)."""
        return list(outputs[0][:, 0] * (self.threshold / PADDLEX_THRESHOLD))

    def differences(self, output: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """How far apart scores are, in thresholds; above one, as a share of what they are."""
        apart = super().differences(output, reference)
        return apart / np.maximum(np.abs(reference), self.threshold) if apart.shape == reference.shape else apart

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` from which PaddleX, and `from_inference`, do the same."""
        resize = {"type": "Resize", "target_size": list(self.size), "keep_ratio": False, "size_divisor": None}
        normalise = {"type": "Normalize", "mean": list(self.mean), "std": list(self.std)}
        return {
            "Global": {"model_name": model_name},
            "Deploy": {"transforms": [resize, normalise]},
            CALIBRATION: {"threshold": self.threshold, "rule": self.rule},
        }

    @classmethod
    def from_inference(cls, inference: Mapping[str, Any]) -> ImageAnomalyProcessor:
        """The processor that an ``inference.yml`` describes, read as PaddleX reads it.

        Raises:
            UserError: it is of another kind.
        """
        try:
            steps = {step["type"]: step for step in inference["Deploy"]["transforms"]}
            resize, normalise = steps.pop("Resize"), steps.pop("Normalize")
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError("inference.yml has no Deploy.transforms with Resize and Normalize") from error
        if steps or resize.get("keep_ratio") or resize.get("interp", "LINEAR") != "LINEAR":
            raise UserError("inference.yml asks for more than stretching and normalising, which is not known here")
        size = resize["target_size"]
        own = inference.get(CALIBRATION) or {"threshold": PADDLEX_THRESHOLD, "rule": "PaddleX's"}
        return cls(
            size=(size, size) if isinstance(size, int) else (int(size[0]), int(size[1])),
            mean=tuple(map(float, normalise["mean"])),
            std=tuple(map(float, normalise["std"])),
            threshold=float(own["threshold"]),
            rule=str(own["rule"]),
        )


def score_of(scores: np.ndarray) -> float:
    """The highest score (h, w) above which a disk fits: PaddleX finds a defect where it exceeds the threshold."""
    return float(cv2.erode(scores, DISK, borderType=cv2.BORDER_REFLECT).max())


def _opened(mask: np.ndarray) -> np.ndarray:
    """The mask without what no disk fits into."""
    inside = cv2.erode(mask, DISK, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.dilate(inside, DISK, borderType=cv2.BORDER_REFLECT))


_PLACES = np.arange(-RADIUS, RADIUS + 1) ** 2
DISK = (_PLACES[:, None] + _PLACES <= RADIUS**2).astype(np.uint8)
"""What scikit-image calls ``disk(RADIUS)``."""
