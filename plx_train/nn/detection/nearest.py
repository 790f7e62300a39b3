"""How far what one engine finds is from what another one finds."""

from __future__ import annotations

import numpy as np

from plx_train.nn.detection.names import MAX_BOXES, MIN_SCORE


def nearest(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The distance of each of `rows` to the most similar one of its class among `others`, (N,)."""
    rows, others = rows.astype(np.float64), others.astype(np.float64)
    extent = max(float(np.abs(rows[:, 2:]).max(initial=1)), 1.0)
    apart = np.abs(rows[:, None] - others[None])
    distance = np.maximum(apart[:, :, 1], apart[:, :, 2:].max(axis=2) / extent)
    distance[apart[:, :, 0] > 0] = np.inf
    least = others[:, 1].min() if len(others) >= MAX_BOXES else MIN_SCORE
    return np.minimum(distance.min(axis=1, initial=np.inf), np.maximum(rows[:, 1] - least, 0))
