"""Ranks of scores as they are defined; the graph of a fusion gives nearly these."""

from __future__ import annotations

import numpy as np

from plx_train.modules.ts_anomaly.rank_average import RankScale


def ranks_of(scale: RankScale, scores: np.ndarray) -> np.ndarray:
    """Ranks of scores (T,), 0 to below 2, growing with the score.

    The plain rank is 1 for everything above the training scores, which is where anomalies lie: they could no longer
    be told apart. So it goes on growing there, but stays bounded, that no member outvotes the others by its units.
    """
    scores = np.asarray(scores, np.float64)
    excess = np.maximum(scores - scale.values[-1], 0)
    return np.interp(scores, scale.values, scale.ranks, left=0.0) + excess / (excess + scale.spread)
