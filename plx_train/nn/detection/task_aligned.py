"""Task alignment (arXiv 2108.07755): points learn a box that see it best and score it highest already."""

from __future__ import annotations

import numpy as np

from plx_train.nn.detection.assigned import NOTHING, Assigned, places_of
from plx_train.nn.detection.overlap import overlaps

CANDIDATES = 13
"""Points that learn a box, at most."""
SCORE_POWER, OVERLAP_POWER = 1.0, 6.0
TINY = 1e-9


def assign(
    points: np.ndarray, scores: np.ndarray, seen: np.ndarray, boxes: np.ndarray, classes: np.ndarray
) -> Assigned:
    """Which of an image's points learn which of its boxes; see `Assigner`.

    The best aligned point of a box is to score as much as the best of them overlaps, others in proportion; boxes count
    as much.
    """
    if len(boxes) == 0:
        return NOTHING
    inside, _ = places_of(points, boxes, np.inf)
    near = np.flatnonzero(inside.any(axis=1))
    if len(near) == 0:
        return NOTHING
    inside = inside[near]
    iou, _ = overlaps(seen[near, None], boxes[None])
    aligned = scores[near][:, classes] ** SCORE_POWER * iou**OVERLAP_POWER * inside
    order = np.argsort(-aligned, axis=0, kind="stable")[:CANDIDATES]
    matched = np.zeros(aligned.shape, bool)
    np.put_along_axis(matched, order, True, axis=0)
    matched &= inside
    twice = np.flatnonzero(matched.sum(axis=1) > 1)
    matched[twice] = False
    matched[twice, iou[twice].argmax(axis=1)] = True
    own = matched.any(axis=1)
    truths = matched[own].argmax(axis=1)
    aligned, iou = aligned * matched, iou * matched
    wanted = aligned / (aligned.max(axis=0) + TINY) * iou.max(axis=0)
    scores_of = wanted[own, truths].astype(np.float32)
    return Assigned(near[own], truths, scores_of, scores_of, float(scores_of.sum()))
