"""The classes that a model gives an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.prediction import Prediction


@dataclass(frozen=True)
class Answers(Prediction):
    """Classes of an image, likeliest first.

    Attributes:
        classes: their numbers, int64 (k,).
        scores: how probable each is, (k,).
        names: their names.
        all_scores: scores of all classes by number, (classes,).
    """

    classes: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]
    all_scores: np.ndarray

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
