"""Pre- and postprocessing of image features as PaddleX does it; numpy and OpenCV only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.prediction import Prediction
from plx_train.ground.errors import UserError
from plx_train.vision.whole_image import CALIBRATION, WholeImageProcessor, transforms_of

THRESHOLD = 0.5
"""What models that say none are taken to have."""
SHORTEST = 1e-12
"""Length below which a feature points nowhere."""


@dataclass(frozen=True)
class Feature(Prediction):
    """What stands for an image: images of one class have near ones.

    Attributes:
        feature: float32 (D,), of length 1.
        threshold: cosine from which on the nearest known image counts as of the same class.
    """

    feature: np.ndarray
    threshold: float

    def to_json(self) -> dict[str, Any]:
        """``{"feature": […]}``, as PaddleX names it."""
        return {"feature": [round(float(value), 7) for value in self.feature]}

    def findings(self) -> dict[str, Any]:
        """The same as an array."""
        return {"feature": self.feature}


@dataclass(frozen=True)
class ImageFeatureProcessor(WholeImageProcessor):
    """Pre- and postprocessing of image features.

    Attributes:
        labels: names of the classes that were trained on; others have features as well.
        threshold: cosine from which on the nearest known image counts as of the same class.
    """

    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        super().__post_init__()
        if not -1 <= self.threshold <= 1:
            raise UserError(f"threshold must be a cosine from -1 to 1, not {self.threshold}")

    def postprocess(self, output: np.ndarray, shape: tuple[int, int]) -> Feature:
        """The feature of an output (D,), made one long."""
        values = np.nan_to_num(np.asarray(output, np.float32))
        return Feature(values / max(float(np.linalg.norm(values)), SHORTEST), self.threshold)

    def post_process(self) -> dict[str, Any]:
        """The section ``PostProcess``, as PaddleX reads it."""
        return {"NormalizeFeatures": None}

    def own_sections(self) -> dict[str, Any]:
        """The threshold, and the classes that were trained on."""
        return {CALIBRATION: {"threshold": self.threshold, "label_list": list(self.labels)}}

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> ImageFeatureProcessor:
        """The processor that an ``inference.yml`` of this room describes.

        Raises:
            UserError: it is of another kind.
        """
        if "NormalizeFeatures" not in (inference.get("PostProcess") or {}):
            raise UserError("inference.yml has no PostProcess.NormalizeFeatures")
        # PaddleX's own say neither.
        own = {"threshold": THRESHOLD, "label_list": ["0"]} | (inference.get(CALIBRATION) or {})
        labels = tuple(str(label) for label in own["label_list"])
        return cls(labels, threshold=float(own["threshold"]), **transforms_of(inference, "image features"))
