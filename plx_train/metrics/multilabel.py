"""Figures of classifiers that may find several labels in a sample, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.ground.characters import json_text
from plx_train.metrics.ranking import average_precision

HOLDS = 0.5
"""Moved score from which on a label holds."""
DECIMALS = 5
"""Scores are ranked as they are told, rounded: the last bits of a float put samples in no order."""


@dataclass(frozen=True)
class LabelFigures:
    """Figures of one label; `average_precision` is NaN where no sample has it."""

    id: int
    name: str
    precision: float
    recall: float
    f1: float
    average_precision: float
    samples: int


def per_label(truth: np.ndarray, found: np.ndarray, scores: np.ndarray, names: Sequence[str]) -> list[LabelFigures]:
    """Figures of each label.

    Args:
        truth, found: bool (N, labels).
        scores: (N, labels).
    """
    hits, answers, samples = (truth & found).sum(axis=0), found.sum(axis=0), truth.sum(axis=0)
    return [
        LabelFigures(
            id=place,
            name=name,
            precision=float(hits[place] / max(answers[place], 1)),
            recall=float(hits[place] / max(samples[place], 1)),
            f1=float(2 * hits[place] / max(answers[place] + samples[place], 1)),
            average_precision=average_precision(truth[:, place], scores[:, place].round(DECIMALS)),
            samples=int(samples[place]),
        )
        for place, name in enumerate(names)
    ]


def over_labels(truth: np.ndarray, found: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """``mAP``: mean average precision of the labels that some sample has. ``micro_f1``: F1 of all answers together.
    ``macro_f1``: mean of those labels' F1. ``exact``: share of samples with every label right.

    Args:
        truth, found: bool (N, labels).
        scores: (N, labels).
    """
    rows = [row for row in per_label(truth, found, scores, [""] * truth.shape[1]) if row.samples]
    return {
        "mAP": _mean([row.average_precision for row in rows]),
        "micro_f1": 2 * int((truth & found).sum()) / max(int(truth.sum() + found.sum()), 1),
        "macro_f1": _mean([row.f1 for row in rows]),
        "exact": _mean((truth == found).all(axis=1)),
    }


def label_file(
    truth: np.ndarray, scores: np.ndarray, names: Sequence[str], thresholds: Sequence[float]
) -> dict[str, str]:
    """``classes.json``: figures per label with its threshold.

    Args:
        truth: bool (N, labels).
        scores: (N, labels), moved so that 0.5 is each label's threshold.
    """
    rows = zip(per_label(truth, scores >= HOLDS, scores, names), thresholds, strict=True)
    found = [asdict(row) | {"threshold": limit} for row, limit in rows]
    found = [{name: None if value != value else value for name, value in row.items()} for row in found]
    return {"classes.json": json_text(found, indent=1)}


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else 0.0


@dataclass
class LabelMetric(Metric):
    """Accumulates samples one by one, whose truth is 0 or 1 for each label."""

    errors: ClassVar[frozenset[str]] = frozenset()
    truth: list[np.ndarray] = field(default_factory=list)
    scores: list[np.ndarray] = field(default_factory=list)

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one sample and returns the F1 of its labels, 1 where there are none and none was found.

        Args:
            prediction: its `all_scores` (labels,) are moved so that 0.5 is each label's threshold.
        """
        truth, found = np.asarray(sample.truth, bool), prediction.all_scores >= HOLDS
        self.truth.append(truth)
        self.scores.append(prediction.all_scores)
        total = int(truth.sum() + found.sum())
        return 2 * int((truth & found).sum()) / total if total else 1.0

    def compute(self) -> dict[str, float]:
        """``mAP``, ``micro_f1``, ``macro_f1`` and ``exact``, see `over_labels`."""
        scores = np.stack(self.scores)
        return over_labels(np.stack(self.truth), scores >= HOLDS, scores)
