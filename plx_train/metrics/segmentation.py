"""Figures of the class of each pixel, from a table of pixels by true and found class; PaddleSeg's definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.ground.characters import json_text
from plx_train.ground.spreadsheet import csv_text
from plx_train.vision.masks import UNCOUNTED

BAND = 0.0075
"""Width of the band along boundaries in which they are judged, as a share of the image's diagonal."""


class SegmentationMetric(Metric):
    """Accumulates images.

    Args:
        num_classes: of the model.
    """

    errors: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.counts = np.zeros((num_classes, num_classes), np.int64)
        self._near = np.zeros_like(self.counts)

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one image and returns its mean intersection over union, of the classes that it shows or is said to.

        Args:
            prediction: `Segments`.
            sample: its ``truth`` is a `Mask`, its ``context`` the image's height and width.
        """
        truth = sample.truth.of(sample.context)
        counts = pixel_counts(truth, prediction.classes, self.num_classes)
        self.counts += counts
        near = np.where(near_boundaries(truth), truth, np.uint8(UNCOUNTED))
        self._near += pixel_counts(near, prediction.classes, self.num_classes)
        own = overlaps(counts)
        return float(own[np.isfinite(own)].mean()) if np.isfinite(own).any() else 1.0

    def compute(self) -> dict[str, float]:
        """``mIoU``, ``accuracy``, ``kappa`` and ``dice``, and ``boundary_mIoU`` of the pixels near true boundaries."""
        return {
            "mIoU": mean_overlap(self.counts),
            "accuracy": float(np.trace(self.counts) / max(self.counts.sum(), 1)),
            "kappa": kappa(self.counts),
            "dice": float(dice_of(self.counts).mean()),
            "boundary_mIoU": mean_overlap(self._near),
        }


def pixel_counts(truth: np.ndarray, found: np.ndarray, num_classes: int) -> np.ndarray:
    """Pixels by true class (row) and found class (column), int64 (classes, classes).

    Args:
        truth: uint8 (H, W); numbers that are no class count neither way.
        found: uint8 (H, W).
    """
    counted = truth < num_classes
    places = truth[counted].astype(np.int64) * num_classes + found[counted]
    return np.bincount(places, minlength=num_classes**2).reshape(num_classes, num_classes)


def overlaps(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class; not a number where it is neither there nor found."""
    common = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - common
    return np.where(union > 0, common / np.maximum(union, 1), np.nan)


def mean_overlap(counts: np.ndarray) -> float:
    """The mean over all classes; one that is neither there nor found counts as 1, as PaddleSeg has it."""
    return float(np.nan_to_num(overlaps(counts), nan=1.0).mean())


def dice_of(counts: np.ndarray) -> np.ndarray:
    """Dice's coefficient of each class; 0 where it is neither there nor found, as PaddleSeg has it."""
    return 2 * np.diag(counts) / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)


def kappa(counts: np.ndarray) -> float:
    """Cohen's kappa: how far agreement goes beyond that of chance; 0 where chance agrees on all."""
    total = max(float(counts.sum()), 1.0)
    observed = np.trace(counts) / total
    expected = float(counts.sum(axis=0) / total @ (counts.sum(axis=1) / total))
    return float((observed - expected) / (1 - expected)) if expected < 1 else 0.0


def near_boundaries(truth: np.ndarray) -> np.ndarray:
    """Pixels near others of another class, bool (H, W); those that count neither way make no boundary."""
    width = max(round(BAND * math.hypot(*truth.shape)), 1)
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    is_counted = truth != UNCOUNTED
    highest = cv2.dilate(np.where(is_counted, truth, np.uint8(0)), kernel)
    lowest = cv2.erode(truth, kernel)
    return np.asarray((highest != lowest) & is_counted & (lowest != UNCOUNTED))


def segment_files(counts: np.ndarray, names: Sequence[str]) -> dict[str, str]:
    """``classes.json``, figures per class, and ``confusion.csv``, pixels, by file name."""
    columns = {
        "iou": np.nan_to_num(overlaps(counts), nan=1.0),
        "dice": dice_of(counts),
        "precision": np.diag(counts) / np.maximum(counts.sum(axis=0), 1),
        "recall": np.diag(counts) / np.maximum(counts.sum(axis=1), 1),
    }
    classes = [
        {
            "id": number,
            "name": name,
            **{key: float(values[number]) for key, values in columns.items()},
            "pixels": int(counts[number].sum()),
        }
        for number, name in enumerate(names)
    ]
    rows: list[Sequence[object]] = [["true \\ predicted", *names]]
    rows += [[name, *row] for name, row in zip(names, counts.tolist(), strict=True)]
    return {"classes.json": json_text(classes, indent=1), "confusion.csv": csv_text(rows)}
