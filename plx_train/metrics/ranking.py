"""How well scores put what is true before what is not."""

from __future__ import annotations

import numpy as np


def ranked(holds: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores from the highest to the lowest, the last place of each distinct one, and how many up to there hold.

    Args:
        holds: bool (N,).
        scores: (N,).
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    return ordered, ends, np.cumsum(holds[order])[ends]


def average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """Precision at each distinct score, weighted by the recall gained there; NaN where nothing is true.

    Samples of equal score are called together. Random scores get the share of what is true.

    Args:
        truth: (N,), true or 1 where it holds.
        scores: (N,), higher where it is likelier.
    """
    holds, given = np.asarray(truth).astype(bool), np.asarray(scores)
    if not holds.any():
        return float("nan")
    _, ends, hits = ranked(holds, given)
    gained = np.diff(hits, prepend=0) / holds.sum()
    return float((gained * hits / (ends + 1)).sum())


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Probability that an anomalous row scores above a normal one, ties counting half; NaN if all are of one kind."""
    truth = np.asarray(labels).astype(bool)
    num, num_normal = int(truth.sum()), int((~truth).sum())
    if not num or not num_normal:
        return float("nan")
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return float((ranks[truth].sum() - num * (num + 1) / 2) / (num * num_normal))
