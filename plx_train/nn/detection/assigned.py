"""What the points of an image learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Assigned:
    """Which points of one image learn which of its boxes.

    Attributes:
        points: those that learn a box, int64 (K,).
        truths: numbers of their boxes, int64 (K,).
        scores: what they are to score for its class, float32 (K,).
        weights: how much their boxes count, float32 (K,).
        total: what the loss of the classes is divided by, added up over images.
    """

    points: np.ndarray
    truths: np.ndarray
    scores: np.ndarray
    weights: np.ndarray
    total: float


_NONE, _EMPTY = np.zeros(0, np.int64), np.zeros(0, np.float32)
NOTHING = Assigned(_NONE, _NONE, _EMPTY, _EMPTY, 0.0)


class Assigner(Protocol):
    """Chooses by what points see already."""

    def __call__(
        self, points: np.ndarray, scores: np.ndarray, seen: np.ndarray, boxes: np.ndarray, classes: np.ndarray
    ) -> Assigned:
        """Which of an image's points learn which of its boxes.

        Args:
            points: centre and stride (P, 3).
            scores: of the classes, as predicted, (P, classes).
            seen: boxes as predicted, (P, 4).
            boxes, classes: the truth, (G, 4) and (G,).
        """
        ...


def places_of(points: np.ndarray, boxes: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether points lie in boxes, and whether within `radius` strides of their centres, bool (P, G) each."""
    centres, reach = points[:, None, :2], radius * points[:, None, 2:]
    inside = ((centres > boxes[None, :, :2]) & (centres < boxes[None, :, 2:])).all(axis=-1)
    middle = (boxes[None, :, :2] + boxes[None, :, 2:]) / 2
    central = (np.abs(centres - middle) < reach).all(axis=-1)
    return np.asarray(inside), np.asarray(central)
