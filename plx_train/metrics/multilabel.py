"""Figures of classifiers that may find several labels in a sample, or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from plx_train.metrics.ranking import average_precision


HOLDS = 0.5
"""Moved score from which on a label holds."""


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
            average_precision=average_precision(truth[:, place], scores[:, place]),
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
    return {"classes.json": json.dumps(found, indent=1, ensure_ascii=False)}


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else 0.0
