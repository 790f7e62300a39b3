"""How often the right class is first, or among the first five; per class; and whether scores can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

BINS = 15
"""Of scores, for the calibration error."""


@dataclass
class ImageClsMetric:
    """Accumulates images one by one."""

    true: list[int] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    num_in_top: int = 0

    def update(self, prediction: Any, sample: dict[str, Any]) -> float:
        """Adds one image and returns the score of its true class, 0 where that is not among the first five.

        Args:
            prediction: has `classes` and `scores`, best first.
            sample: ``labels``, the number of the true class.
        """
        true = int(sample["labels"])
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

    def curve(self) -> list[tuple[float, float]]:
        """Nothing: every image has an answer."""
        return []


def calibration_error(hits: np.ndarray, scores: np.ndarray) -> float:
    """Mean distance of score and share of hits, over bins of equal width, weighted by samples."""
    places = np.clip(np.ceil(scores * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = [abs(float((scores[places == place] - hits[places == place]).sum())) for place in range(BINS)]
    return sum(gaps) / max(len(scores), 1)


def per_class(true: list[int], predicted: list[int]) -> dict[int, dict[str, float]]:
    """Precision, recall, F1 and number of samples of each class that has samples or was predicted."""
    first, second = np.asarray(true, int), np.asarray(predicted, int)
    report = {}
    for number in sorted({*true, *predicted}):
        hits = int(((first == number) & (second == number)).sum())
        samples, answers = int((first == number).sum()), int((second == number).sum())
        report[number] = {
            "precision": hits / answers if answers else 0.0,
            "recall": hits / samples if samples else 0.0,
            "f1": 2 * hits / (samples + answers),
            "samples": samples,
        }
    return report


def confusion(true: list[int], predicted: list[int], num_classes: int) -> np.ndarray:
    """Samples by true class (row) and predicted class (column), int64 (num_classes, num_classes)."""
    counts = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(counts, (np.asarray(true, int), np.asarray(predicted, int)), 1)
    return counts
