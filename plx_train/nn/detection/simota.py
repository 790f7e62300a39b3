"""SimOTA (arXiv 2107.08430): which points learn which box, by what they see already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plx_train.nn.detection.overlap import overlaps

RADIUS = 2.5
"""Strides around a box's centre within which points may learn it."""
CANDIDATES = 10
"""Points whose overlaps, added up, say how many learn a box."""
OVERLAP_WEIGHT = 6.0
FAR = 1e8
"""Cost of a point outside of the box or far from its centre: taken where there is no other."""
NEGATIVE_WEIGHT, FOCUS = 0.75, 2.0
"""Of the varifocal loss, by which the classes' cost is measured."""


@dataclass(frozen=True)
class Assigned:
    """What points of one image learn.

    Attributes:
        points: those that learn a box, in order, int64 (K,).
        truths: numbers of their boxes, int64 (K,).
    """

    points: np.ndarray
    truths: np.ndarray


NOTHING = Assigned(np.zeros(0, np.int64), np.zeros(0, np.int64))


def assign(
    points: np.ndarray, scores: np.ndarray, seen: np.ndarray, boxes: np.ndarray, classes: np.ndarray
) -> Assigned:
    """Which of an image's points learn which of its boxes.

    Args:
        points: centre and stride (P, 3).
        scores: of the classes, as predicted, (P, classes).
        seen: boxes as predicted, (P, 4).
        boxes, classes: the truth, (G, 4) and (G,).
    """
    if len(boxes) == 0:
        return NOTHING
    inside, central = _places(points, boxes)
    near = np.flatnonzero((inside | central).any(axis=1))
    if len(near) == 0:
        return NOTHING
    iou, general = overlaps(seen[near, None], boxes[None])
    cost = _class_cost(scores[near], classes, iou) + OVERLAP_WEIGHT * (1 - general)
    cost += FAR * ~(inside & central)[near]
    matched = _match(cost, iou)
    own = matched.any(axis=1)
    return Assigned(near[own], matched[own].argmax(axis=1))


def _places(points: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether points lie in boxes, and whether near their centres, bool (P, G) each."""
    centres, reach = points[:, None, :2], RADIUS * points[:, None, 2:]
    inside = ((centres > boxes[None, :, :2]) & (centres < boxes[None, :, 2:])).all(axis=-1)
    middle = (boxes[None, :, :2] + boxes[None, :, 2:]) / 2
    central = (np.abs(centres - middle) < reach).all(axis=-1)
    return np.asarray(inside), np.asarray(central)


def _class_cost(scores: np.ndarray, classes: np.ndarray, iou: np.ndarray) -> np.ndarray:
    """The varifocal loss (arXiv 2008.13367) of points with the overlap as their target, (P, G)."""
    scores = np.clip(scores, 1e-6, 1 - 1e-6)
    negative = NEGATIVE_WEIGHT * scores**FOCUS * -np.log1p(-scores)
    of_class = scores[:, classes]
    positive = iou * -(iou * np.log(of_class) + (1 - iou) * np.log1p(-of_class))
    own = negative[:, classes]
    return negative.sum(axis=1, keepdims=True) - own + np.where(iou > 0, positive, own)


def _match(cost: np.ndarray, iou: np.ndarray) -> np.ndarray:
    """Which points learn which box, bool (P, G); a point learns one at most."""
    count = min(CANDIDATES, len(iou))
    best = np.partition(iou, len(iou) - count, axis=0)[-count:]
    wanted = np.maximum(best.sum(axis=0).astype(int), 1)
    matched = np.zeros(cost.shape, bool)
    order = np.argsort(cost, axis=0, kind="stable")
    for number, many in enumerate(wanted):
        matched[order[:many, number], number] = True
    twice = np.flatnonzero(matched.sum(axis=1) > 1)
    matched[twice] = False
    matched[twice, cost[twice].argmin(axis=1)] = True
    return matched
