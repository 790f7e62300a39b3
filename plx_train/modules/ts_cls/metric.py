"""How often the class of a series is right, over series and over classes, and how sure the scores were of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

LOWEST_SCORE = 1e-15
"""Scores below count as this in the log loss, as in scikit-learn of old: one sure mistake is not the end of it."""


@dataclass
class TsClsMetric:
    """Accumulates series one by one."""

    true: list[int] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def update(self, prediction: Any, sample: dict[str, Any]) -> float:
        """Adds one series and returns the score of its true class.

        Args:
            prediction: has `classes` and `scores` of all classes, best first.
            sample: ``labels``, the number of the true class.
        """
        true = int(sample["labels"])
        places = np.flatnonzero(np.asarray(prediction.classes) == true)
        score = float(prediction.scores[places[0]]) if len(places) else 0.0
        self.true.append(true)
        self.predicted.append(int(prediction.classes[0]))
        self.scores.append(score)
        return score

    def compute(self) -> dict[str, float]:
        """``accuracy``: the first class is right. ``macro_f1``: mean F1 of the classes that have series or were
        predicted. ``balanced_accuracy``: mean recall of the classes that have series. ``log_loss``: mean −log of the
        true class's score.
        """
        if not self.true:
            return {"accuracy": 0.0, "macro_f1": 0.0, "balanced_accuracy": 0.0, "log_loss": 0.0}
        report = per_class(confusion(self.true, self.predicted, max(*self.true, *self.predicted) + 1)).values()
        return {
            "accuracy": float(np.mean(np.asarray(self.true) == np.asarray(self.predicted))),
            "macro_f1": float(np.mean([each["f1"] for each in report])),
            "balanced_accuracy": float(np.mean([each["recall"] for each in report if each["samples"]])),
            "log_loss": float(-np.mean(np.log(np.maximum(self.scores, LOWEST_SCORE)))),
        }

    def curve(self) -> list[tuple[float, float]]:
        """Nothing: every series has an answer."""
        return []


def confusion(true: list[int], predicted: list[int], num_classes: int) -> np.ndarray:
    """Series by true class (row) and predicted class (column), int64 (num_classes, num_classes)."""
    places = np.asarray(true, np.int64) * num_classes + np.asarray(predicted, np.int64)
    return np.bincount(places, minlength=num_classes**2).reshape(num_classes, num_classes)


def per_class(counts: np.ndarray) -> dict[int, dict[str, float]]:
    """Precision, recall, F1 and number of series of each class that has series or was predicted, by `confusion`."""
    hits, samples, answers = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    return {
        int(number): {
            "precision": float(hits[number] / max(answers[number], 1)),
            "recall": float(hits[number] / max(samples[number], 1)),
            "f1": float(2 * hits[number] / (samples[number] + answers[number])),
            "samples": int(samples[number]),
        }
        for number in np.flatnonzero(samples + answers)
    }
