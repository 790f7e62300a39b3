"""The classes that a model gives an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Answers:
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
