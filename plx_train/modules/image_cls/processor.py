"""Pre- and postprocessing of image classification as PaddleX does it; numpy and OpenCV only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.ground.errors import ConfigError, UserError
from plx_train.metrics.temperature import tempered
from plx_train.vision.answers import Answers
from plx_train.vision.whole_image import CALIBRATION, WholeImageProcessor, transforms_of

TOP = 5
"""Classes that a prediction holds unless it is asked for more or fewer."""


@dataclass(frozen=True)
class ImageClsProcessor(WholeImageProcessor):
    """Pre- and postprocessing of image classification.

    Attributes:
        temperature: what the logits are divided by (Guo et al., 2017): above 1 scores are less sure of themselves.
        topk: classes that a prediction holds, at most; not shipped.
    """

    temperature: float = 1.0
    topk: int = TOP

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.temperature > 0:
            raise UserError(f"temperature must be above 0, not {self.temperature}")
        if self.topk < 1:
            raise ConfigError(f"topk={self.topk} must be at least 1")

    def postprocess(self, probabilities: np.ndarray, shape: tuple[int, int]) -> Answers:
        """The likeliest classes of probabilities float32 (classes,)."""
        scores = tempered(probabilities, self.temperature)
        best = scores.argsort()[-self.topk :][::-1]
        return Answers(best, scores[best], tuple(self.labels[index] for index in best), scores)

    def post_process(self) -> dict[str, Any]:
        """The section ``PostProcess``, as PaddleX reads it."""
        return {"Topk": {"topk": min(TOP, len(self.labels)), "label_list": list(self.labels)}}

    def own_sections(self) -> dict[str, Any]:
        """The temperature: PaddleX shows the scores as they are trained."""
        return {CALIBRATION: {"temperature": self.temperature}}

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> ImageClsProcessor:
        """The processor that an ``inference.yml`` of image classification describes, read as PaddleX reads it.

        Raises:
            UserError: it holds a step that is not image classification's, or one that can't be done here.
        """
        try:
            labels = inference["PostProcess"]["Topk"]["label_list"]
        except (KeyError, TypeError) as error:
            raise UserError("inference.yml has no PreProcess.transform_ops and PostProcess.Topk.label_list") from error
        calibration = inference.get(CALIBRATION) or {}
        return cls(
            labels=tuple(str(label) for label in labels),
            temperature=float(calibration.get("temperature", 1.0)),
            **transforms_of(inference, "image classification"),
        )
