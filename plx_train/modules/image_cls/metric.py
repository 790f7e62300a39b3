"""How often the right class is first, or among the first five; per class; and whether scores can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.metrics.classes import calibration_error, per_class


@dataclass
class ImageClsMetric(Metric):
    """Accumulates images one by one."""

    errors: ClassVar[frozenset[str]] = frozenset()

    true: list[int] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    num_in_top: int = 0

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one image and returns the score of its true class, 0 where that is not among the first five.

        Args:
            prediction: has `classes` and `scores`, best first.
            sample: its ``truth`` is the number of the true class.
        """
        true = int(sample.truth)
        self.true.append(true)
        self.predicted.append(int(prediction.classes[0]))
        self.scores.append(float(prediction.scores[0]))
        places = np.flatnonzero(prediction.classes == true)
        self.num_in_top += len(places) > 0
        return float(prediction.scores[places[0]]) if len(places) else 0.0

    def compute(self) -> dict[str, float]:
        """``accuracy``: the first class is right. ``top5``: one of the first five. ``macro_f1``: mean of the classes'
        F1, rare ones counting like frequent ones. ``calibration``: 1 − expected calibration error.
        """
        num = max(len(self.true), 1)
        hits = np.asarray(self.true) == np.asarray(self.predicted)
        classes = per_class(self.true, self.predicted)
        return {
            "accuracy": float(hits.sum()) / num,
            "top5": self.num_in_top / num,
            "macro_f1": float(np.mean([each["f1"] for each in classes.values()])) if classes else 0.0,
            "calibration": 1 - calibration_error(hits, np.asarray(self.scores)),
        }
