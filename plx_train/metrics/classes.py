"""Figures that every classifier reports: per class, confusion, and whether scores can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.ground.characters import json_text
from plx_train.ground.spreadsheet import csv_text

BINS = 15
"""Bins of scores, for the calibration error."""


def calibration_error(hits: np.ndarray, scores: np.ndarray) -> float:
    """Mean distance of score and share of hits, over bins of equal width, weighted by samples."""
    places = np.clip(np.ceil(scores * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = [abs(float((scores[places == place] - hits[places == place]).sum())) for place in range(BINS)]
    return sum(gaps) / max(len(scores), 1)


def per_class(true: Sequence[int], predicted: Sequence[int]) -> dict[int, dict[str, float]]:
    """Precision, recall, F1 and number of samples of each class that has samples or was predicted."""
    first, second = np.asarray(true, np.int64), np.asarray(predicted, np.int64)
    size = int(max(first.max(initial=-1), second.max(initial=-1))) + 1
    hits, samples, answers = (np.bincount(part, minlength=size) for part in (first[first == second], first, second))
    return {
        int(number): {
            "precision": float(hits[number] / max(answers[number], 1)),
            "recall": float(hits[number] / max(samples[number], 1)),
            "f1": float(2 * hits[number] / (samples[number] + answers[number])),
            "samples": int(samples[number]),
        }
        for number in np.flatnonzero(samples + answers)
    }


def confusion(true: Sequence[int], predicted: Sequence[int], num_classes: int) -> np.ndarray:
    """Samples by true class (row) and predicted class (column), int64 (num_classes, num_classes)."""
    places = np.asarray(true, np.int64) * num_classes + np.asarray(predicted, np.int64)
    return np.bincount(places, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_files(true: Sequence[int], predicted: Sequence[int], names: Sequence[str]) -> dict[str, str]:
    """``classes.json``, figures per class, and ``confusion.csv``, by file name; `names` by number of the class."""
    classes = [{"id": number, "name": names[number], **row} for number, row in per_class(true, predicted).items()]
    rows: list[Sequence[object]] = [["true \\ predicted", *names]]
    counts = confusion(true, predicted, len(names))
    rows += [[name, *row] for name, row in zip(names, counts.tolist(), strict=True)]
    return {"classes.json": json_text(classes, indent=1), "confusion.csv": csv_text(rows)}
