"""Which queries learn which boxes: the cheapest matching of all (arXiv 2005.12872)."""

from __future__ import annotations

import numpy as np

from plx_train.nn.detection.overlap import centred, corners, overlaps

CLASS_COST, BOX_COST, OVERLAP_COST = 2.0, 5.0, 2.0
"""How much the focal loss of the class, the distance of boxes, and what they lack in overlap count."""
POSITIVE_WEIGHT, FOCUS = 0.25, 2.0
TINY = 1e-8
WORST = 1e6
"""Cost of what can't be compared."""


def match(
    scores: np.ndarray, found: np.ndarray, boxes: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of queries and of the boxes that they learn, int64 (K,) each; K is the smaller number of both.

    Args:
        scores: of the classes, (Q, classes).
        found: x, y of the centre, width and height as shares of the image, (Q, 4).
        boxes: x1, y1, x2, y2 as shares, (G, 4).
        classes: their numbers, (G,).
    """
    from scipy.optimize import linear_sum_assignment

    given = scores[:, classes].astype(np.float64)
    right = POSITIVE_WEIGHT * (1 - given) ** FOCUS * -np.log(given + TINY)
    wrong = (1 - POSITIVE_WEIGHT) * given**FOCUS * -np.log(1 - given + TINY)
    distance = np.abs(found[:, None] - centred(boxes)[None]).sum(axis=-1)
    _, general = overlaps(corners(found)[:, None], boxes[None])
    cost = CLASS_COST * (right - wrong) + BOX_COST * distance - OVERLAP_COST * general
    # A network that gives no numbers any more is told of by its loss.
    queries, truths = linear_sum_assignment(np.nan_to_num(cost, nan=WORST, posinf=WORST, neginf=-WORST))
    return queries.astype(np.int64), truths.astype(np.int64)
