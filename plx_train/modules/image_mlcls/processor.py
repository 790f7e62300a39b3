"""Pre- and postprocessing of multi-label classification as PaddleX does it; numpy and OpenCV only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.metrics.multilabel import HOLDS
from plx_train.metrics.thresholds import chosen_limits, moved
from plx_train.vision.answers import Answers
from plx_train.vision.whole_image import CALIBRATION, WholeImageProcessor, transforms_of


@dataclass(frozen=True)
class ImageMlclsProcessor(WholeImageProcessor):
    """Pre- and postprocessing of multi-label classification.

    PaddleX cuts all labels at one threshold. So the graph moves scores until 0.5 is the threshold of each.

    Attributes:
        thresholds: probability from which on each label holds, above 0 and below 1.
        cut: moved score from which on a label holds, one for all, one for each, or some by number or name;
            not shipped.
    """

    thresholds: tuple[float, ...] = ()
    cut: float | tuple[float, ...] | Mapping[Any, float] = HOLDS

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.thresholds) != len(self.labels) or not all(0 < limit < 1 for limit in self.thresholds):
            raise UserError(f"thresholds must be {len(self.labels)} numbers above 0 and below 1, one for each label")
        chosen_limits(self.cut, np.zeros(len(self.labels)), self.labels)

    @cached_property
    def _limits(self) -> np.ndarray:
        return chosen_limits(self.cut, np.full(len(self.labels), HOLDS), self.labels)

    def postprocess(self, probabilities: np.ndarray, shape: tuple[int, int]) -> Answers:
        """The labels that hold, of probabilities (labels,); scores are moved."""
        scores = moved(probabilities, np.asarray(self.thresholds))
        order = np.argsort(-scores, kind="stable")
        found = order[(scores >= self._limits)[order]]
        return Answers(found, scores[found], tuple(self.labels[place] for place in found), scores)

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """Probabilities per image, of the graph's moved scores (N, labels)."""
        return list(moved(outputs[0], 1 - np.asarray(self.thresholds)))

    def post_process(self) -> dict[str, Any]:
        """The section ``PostProcess``, as PaddleX reads it."""
        return {"MultiLabelThreshOutput": {"threshold": HOLDS, "label_list": list(self.labels)}}

    def own_sections(self) -> dict[str, Any]:
        """The thresholds by which the graph has moved scores."""
        return {CALIBRATION: {"thresholds": list(self.thresholds)}}

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> ImageMlclsProcessor:
        """The processor that an ``inference.yml`` of this room describes.

        Raises:
            UserError: it is of another kind.
        """
        post = (inference.get("PostProcess") or {}).get("MultiLabelThreshOutput") or {}
        if not post.get("label_list"):
            raise UserError("inference.yml has no PostProcess.MultiLabelThreshOutput.label_list")
        labels = tuple(str(label) for label in post["label_list"])
        own = (inference.get(CALIBRATION) or {}).get("thresholds")
        if own is None:
            raise UserError("it has no section Calibration with the labels' thresholds: train it here")
        return cls(labels, thresholds=tuple(map(float, own)), **transforms_of(inference, "multi-label classification"))
