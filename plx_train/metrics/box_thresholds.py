"""The score of each class from which on boxes are shown, chosen on held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.metrics.boxes import ImageBoxes, judge

BORROWED = 40
"""Labelled boxes of all classes, spread as they are, that each class is taken to have beside its own ones.

A few held-out images are too few to choose on for each class alone: see modules/object_det/README.md.
"""
LOWEST, HIGHEST = 0.01, 0.99


@dataclass(frozen=True)
class _Judgements:
    """All that was found of one class, or of all, surest first, and how many boxes are labelled."""

    scores: np.ndarray
    right: np.ndarray
    true: int

    def counts_from(self, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many boxes are shown from each of the limits on, and how many of these are right."""
        shown = np.searchsorted(-self.scores, -limits, side="right")
        return shown, np.concatenate([[0], np.cumsum(self.right)])[shown]


def best_thresholds(
    images: Sequence[ImageBoxes], published: Sequence[float], precision: float | None = None
) -> tuple[float, ...]:
    """The score of each class above which the boxes shown have the best F1.

    Args:
        published: thresholds of classes of which nothing is labelled and found.
        precision: of the boxes shown; instead of the best F1 the most boxes are shown that reach it, and where none do,
            those that come nearest.
    """
    found = [judge(image, image.rows) for image in images]
    rows = np.concatenate([one.rows for one in found]) if found else np.zeros((0, 6))
    right = np.concatenate([one.is_right for one in found]) if found else np.zeros(0, bool)
    order = np.argsort(-rows[:, 1], kind="stable")
    classes, scores, right = rows[order, 0].astype(int), rows[order, 1], right[order]
    labelled = np.concatenate([one.classes[~one.is_crowd] for one in images]) if found else np.zeros(0, int)
    of_all = _Judgements(scores, right, len(labelled))
    return tuple(
        _best(
            _Judgements(scores[own], right[own], int((labelled == number).sum())), of_all, precision, published[number]
        )
        for number, own in enumerate(classes == number for number in range(len(published)))
    )


def _best(own: _Judgements, of_all: _Judgements, precision: float | None, published: float) -> float:
    if not own.right.any():
        return published
    ends = np.unique(own.scores)[::-1]
    limits = (ends + np.append(ends[1:], 0.0)) / 2
    shown, hits = own.counts_from(limits)
    all_shown, all_hits = of_all.counts_from(limits)
    share = BORROWED / max(of_all.true, 1)
    mixed_hits, mixed_shown = hits + share * all_hits, shown + share * all_shown
    if precision is None:
        value = 2 * mixed_hits / (mixed_shown + own.true + BORROWED)
    else:
        # Neither a class that is worse than the others nor one of few boxes is to look better than it is.
        reached = np.minimum(hits / shown, mixed_hits / mixed_shown)
        value = np.where(reached >= precision, 1 + hits, reached)
    return float(np.clip(limits[int(value.argmax())], LOWEST, HIGHEST))
