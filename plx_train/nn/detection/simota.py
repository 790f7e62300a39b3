"""SimOTA (arXiv 2107.08430): which points learn which box, by what they see already."""

from __future__ import annotations

import numpy as np

from plx_train.nn.detection.assigned import NOTHING, Assigned, places_of
from plx_train.nn.detection.overlap import overlaps
from plx_train.nn.detection.varifocal import FOCUS, NEGATIVE_WEIGHT

RADIUS = 2.5
"""Strides around a box's centre within which points may learn it."""
CANDIDATES = 10
"""Points whose overlaps, added up, say how many learn a box."""
OVERLAP_WEIGHT = 6.0
FAR = 1e8
"""Cost of a point outside of the box or far from its centre: taken where there is no other."""


def assign(
    points: np.ndarray, scores: np.ndarray, seen: np.ndarray, boxes: np.ndarray, classes: np.ndarray
) -> Assigned:
    """Which of an image's points learn which of its boxes; see `Assigner`.

    A point is to score as much as it overlaps, and its box counts as much as it scores.
    """
    if len(boxes) == 0:
        return NOTHING
    inside, central = places_of(points, boxes, RADIUS)
    near = np.flatnonzero((inside | central).any(axis=1))
    if len(near) == 0:
        return NOTHING
    iou, general = overlaps(seen[near, None], boxes[None])
    cost = _class_cost(scores[near], classes, iou) + OVERLAP_WEIGHT * (1 - general)
    cost += FAR * ~(inside & central)[near]
    matched = _match(cost, iou)
    own = matched.any(axis=1)
    truths = matched[own].argmax(axis=1)
    agreed = iou[own, truths]
    return Assigned(near[own], truths, agreed, scores[near[own]].max(axis=1), float(own.sum()))


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
