"""The order in which chosen samples are best labelled: each next one stands for most of what none before is like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST_STOOD_FOR = 4000
"""Samples by which it is told what stands for how many."""


def in_order_of_worth(
    features: np.ndarray, chosen: Sequence[int], num_labelled: int, seed: int, weights: np.ndarray | None = None
) -> list[int]:
    """`chosen` so that distances from all samples to the nearest labelled one shrink as fast as can be, one by one.

    Args:
        features: (N, D), those of labelled samples first.
        chosen: places.
        seed: from which it follows by which samples that is told, where there are many.
        weights: how much the distance of each sample counts, (N,); None: all alike.
    """
    places = np.arange(len(features))
    if len(places) > MOST_STOOD_FOR:
        places = np.random.default_rng(seed).choice(places, MOST_STOOD_FOR, replace=False)
    counts = np.ones(len(places)) if weights is None else weights[places]
    apart = _distances(features[places], features[list(chosen)])
    nearest = np.full(len(places), apart.max(initial=0.0))
    if num_labelled:
        nearest = np.minimum(nearest, _distances(features[places], features[:num_labelled]).min(axis=1))
    waiting, found = list(range(len(chosen))), []
    while waiting:
        gains = counts @ np.maximum(nearest[:, None] - apart[:, waiting], 0)
        best = waiting.pop(int(gains.argmax()))
        nearest = np.minimum(nearest, apart[:, best])
        found.append(int(chosen[best]))
    return found


def _distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The distance of each of some to each of others, (len(some), len(others))."""
    from sklearn.metrics import pairwise_distances

    return np.asarray(pairwise_distances(some, others))
