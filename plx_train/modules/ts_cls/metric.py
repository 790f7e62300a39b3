"""How often the class of a series is right, over series and over classes, and how far its scores can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.metrics.classes import calibration_error, per_class

LOWEST_SCORE = 1e-15
"""Scores below count as this in the log loss, as in scikit-learn of old: one sure mistake is not the end of it."""


@dataclass
class TsClsMetric(Metric):
    """Accumulates series one by one."""

    errors: ClassVar[frozenset[str]] = frozenset({"log_loss"})

    true: list[int] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    true_scores: list[float] = field(default_factory=list)
    best_scores: list[float] = field(default_factory=list)

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one series and returns the score of its true class.

        Args:
            prediction: has `classes` and `scores` of all classes, best first.
            sample: its truth is the number of the true class.
        """
        true = int(sample.truth)
        places = np.flatnonzero(np.asarray(prediction.classes) == true)
        score = float(prediction.scores[places[0]]) if len(places) else 0.0
        self.true.append(true)
        self.predicted.append(int(prediction.classes[0]))
        self.true_scores.append(score)
        self.best_scores.append(float(prediction.scores[0]))
        return score

    def compute(self) -> dict[str, float]:
        """``accuracy``: the first class is right. ``macro_f1``: mean F1 of the classes that have series or were
        predicted. ``balanced_accuracy``: mean recall of the classes that have series. ``calibration``: 1 − expected
        calibration error. ``log_loss``: mean −log of the true class's score.
        """
        if not self.true:
            return dict.fromkeys(("accuracy", "macro_f1", "balanced_accuracy", "calibration", "log_loss"), 0.0)
        hits = np.asarray(self.true) == np.asarray(self.predicted)
        report = per_class(self.true, self.predicted).values()
        return {
            "accuracy": float(np.mean(hits)),
            "macro_f1": float(np.mean([each["f1"] for each in report])),
            "balanced_accuracy": float(np.mean([each["recall"] for each in report if each["samples"]])),
            "calibration": 1 - calibration_error(hits, np.asarray(self.best_scores)),
            "log_loss": float(-np.mean(np.log(np.maximum(self.true_scores, LOWEST_SCORE)))),
        }
