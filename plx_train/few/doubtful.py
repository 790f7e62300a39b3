"""Unlabelled samples that a model doubts, each unlike the others: what to label once labels are many.

Of the most doubtful ones as many weighted clusters as are wanted, and what is nearest to the centre of each (Zhdanov,
2019): the most doubtful alone are many of one kind, and odd ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CONSIDERED = 10
"""So many doubtful samples for each one that is wanted."""
LEAST_WEIGHT = 1e-3
NUM_STARTS = 3


def doubtful_and_new(
    features: np.ndarray, num_labelled: int, number: int, doubts: Sequence[float] | None, seed: int
) -> tuple[list[int], np.ndarray]:
    """Places of unlabelled samples that are best labelled next, and each sample's cluster, (N,).

    Args:
        features: (N, D), those of labelled samples first.
        number: of places; fewer come where fewer samples are unlabelled.
        doubts: about each unlabelled sample, 0 to 1; None: how far it is from the nearest labelled one counts.
        seed: from which the clusters follow.
    """
    from sklearn.cluster import KMeans

    weights = _distances(features, num_labelled) if doubts is None else np.asarray(doubts, np.float64)
    number = min(number, len(weights))
    considered = np.argsort(-weights, kind="stable")[: CONSIDERED * number]
    points = features[num_labelled + considered]
    # Samples that are the same make fewer clusters than were asked for.
    clusters = KMeans(min(number, len(np.unique(points, axis=0))), n_init=NUM_STARTS, random_state=seed)
    groups = clusters.fit(points, sample_weight=np.maximum(weights[considered], LEAST_WEIGHT)).labels_
    apart = np.linalg.norm(points - clusters.cluster_centers_[groups], axis=1)
    turn = np.empty(len(points), np.int64)
    for group in range(groups.max() + 1):
        members = np.flatnonzero(groups == group)
        turn[members[np.argsort(apart[members], kind="stable")]] = np.arange(len(members))
    order = np.lexsort((apart, turn))[:number]
    every = np.full(len(features), groups.max() + 1, np.int64)
    every[num_labelled + considered] = groups
    return [int(num_labelled + considered[place]) for place in order], every


def _distances(features: np.ndarray, num_labelled: int) -> np.ndarray:
    """The distance of each unlabelled sample from the nearest labelled one, as a share of the largest."""
    from sklearn.neighbors import NearestNeighbors

    if not num_labelled:
        return np.ones(len(features))
    nearest = NearestNeighbors(n_neighbors=1).fit(features[:num_labelled])
    found = nearest.kneighbors(features[num_labelled:])[0][:, 0]
    return np.asarray(found / max(found.max(), 1e-12))
