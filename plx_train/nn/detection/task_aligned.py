"""Task alignment (arXiv 2108.07755): points learn a box that see it best and score it highest already."""

from __future__ import annotations

import numpy as np

from plx_train.nn.detection.assigned import NOTHING, Assigned, places_of
from plx_train.nn.detection.overlap import overlaps

CANDIDATES = 13
"""Points that learn a box, at most."""
SCORE_POWER, OVERLAP_POWER = 1.0, 6.0
CENTRAL_STRIDES = 1.0
TINY = 1e-9


def assign(
    points: np.ndarray, scores: np.ndarray, seen: np.ndarray, boxes: np.ndarray, classes: np.ndarray
) -> Assigned:
    """Which of an image's points learn which of its boxes, of those that lie in it; see `Assigner`.

    The best aligned point of a box is to score as much as the best of them overlaps, others in proportion; boxes count
    as much.
    """
    inside, _ = places_of(points, boxes, 0.0)
    return _assigned(inside, np.zeros_like(inside), scores, seen, boxes, classes)


def assign_central(
    points: np.ndarray, scores: np.ndarray, seen: np.ndarray, boxes: np.ndarray, classes: np.ndarray
) -> Assigned:
    """The same, also of points that lie within a stride of its centre, which come first where none lies in the box."""
    inside, central = places_of(points, boxes, CENTRAL_STRIDES)
    return _assigned(inside | central, central & ~inside.any(axis=0), scores, seen, boxes, classes)


def _assigned(
    may_learn: np.ndarray,
    come_first: np.ndarray,
    scores: np.ndarray,
    seen: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
) -> Assigned:
    """What is assigned of the points that may learn a box, (P, G)."""
    near = np.flatnonzero(may_learn.any(axis=1))
    if len(near) == 0:
        return NOTHING
    may_learn = may_learn[near]
    iou, _ = overlaps(seen[near, None], boxes[None])
    aligned = scores[near][:, classes] ** SCORE_POWER * iou**OVERLAP_POWER * may_learn
    order = np.argsort(-aligned - come_first[near], axis=0, kind="stable")[:CANDIDATES]
    matched = np.zeros(aligned.shape, bool)
    np.put_along_axis(matched, order, True, axis=0)
    matched &= may_learn
    twice = np.flatnonzero(matched.sum(axis=1) > 1)
    matched[twice] = False
    matched[twice, iou[twice].argmax(axis=1)] = True
    own = matched.any(axis=1)
    truths = matched[own].argmax(axis=1)
    aligned, iou = aligned * matched, iou * matched
    wanted = aligned / (aligned.max(axis=0) + TINY) * iou.max(axis=0)
    scores_of = wanted[own, truths].astype(np.float32)
    return Assigned(near[own], truths, scores_of, scores_of, float(scores_of.sum()))
