"""The score from which on something is called true."""

from __future__ import annotations

import numpy as np

from plx_train.metrics.ranking import ranked

MIN_OF_A_KIND = 5
"""Fewer samples that are true, or that are not, are no basis to choose a threshold on."""


def best_threshold(truth: np.ndarray, scores: np.ndarray, default: float = 0.5) -> float:
    """The threshold of the best F1, the middle between two scores; `default` where too few samples are of a kind.

    Args:
        truth: (N,), true or 1 where it holds.
        scores: (N,), 0 to 1.
    """
    holds, given = np.asarray(truth).astype(bool), np.asarray(scores, np.float64)
    if min(int(holds.sum()), int((~holds).sum())) < MIN_OF_A_KIND:
        return default
    ordered, ends, hits = ranked(holds, given)
    last = int(ends[int(np.argmax(2 * hits / (ends + 1 + holds.sum())))])
    below = ordered[last + 1] if last + 1 < len(ordered) else 0.0
    return float((ordered[last] + below) / 2)


def moved(probabilities: np.ndarray, thresholds: np.ndarray | float) -> np.ndarray:
    """Probabilities moved so that 0.5 is the threshold: their odds divided by the threshold's; float64, of one shape.

    Moving by ``1 - thresholds`` brings them back.
    """
    odds, limit = np.asarray(probabilities, np.float64), np.asarray(thresholds, np.float64)
    true, false = odds * (1 - limit), (1 - odds) * limit
    return true / (true + false)
