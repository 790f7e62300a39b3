"""Ranks of anomaly scores in plain numpy: what the layer that ships must give."""

from __future__ import annotations

import numpy as np

from plx_train.modules.ts_anomaly.rank_average import RankScale


def ranks_of(scale: RankScale, scores: np.ndarray) -> np.ndarray:
    """Ranks of scores (T,), 0 to below 2, growing with the score."""
    scores = np.asarray(scores, np.float64)
    excess = np.maximum(scores - scale.values[-1], 0)
    return np.interp(scores, scale.values, scale.ranks, left=0.0) + excess / (excess + scale.spread)
