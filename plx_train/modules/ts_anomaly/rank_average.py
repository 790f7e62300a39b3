"""Scores of several detectors made comparable: each becomes its rank among training scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plx_train.ground.errors import DataError

MAX_KNOTS = 1001


@dataclass(frozen=True)
class RankScale:
    """Ranks of one detector's scores: linear between knots, so that a new score is ranked without the others.

    `values` (K,) ascending and distinct, `ranks` (K,) within 0 and 1: the share of training scores below, plus half
    of those alike. Above the last knot the rank goes on growing towards 2; `spread` is the excess that gets half of it.

    The plain rank is 1 for everything above the training scores, which is where anomalies lie: they could no longer
    be told apart. So it goes on growing there, but stays bounded, that no member outvotes the others by its units.
    """

    values: np.ndarray
    ranks: np.ndarray
    spread: float


def fit_ranks(scores: np.ndarray) -> RankScale:
    """The scale of one detector from its training scores (T,).

    Raises:
        DataError: No scores, or scores that are not finite.
    """
    scores = np.asarray(scores, np.float64)
    if len(scores) == 0 or not np.isfinite(scores).all():
        raise DataError("ranks of anomaly scores need training scores, all finite: check the member's own run")
    values, counts = np.unique(scores, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / len(scores)
    kept = np.arange(len(values))
    if len(values) > MAX_KNOTS:
        kept = np.unique(np.searchsorted(ranks, np.linspace(ranks[0], ranks[-1], MAX_KNOTS)).clip(0, len(values) - 1))
    spread = float(values[-1] - np.median(scores)) or max(abs(float(values[-1])), 1.0)
    return RankScale(values[kept], ranks[kept], spread)
