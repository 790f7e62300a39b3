"""The most typical of unlabelled samples, each of another kind: what to label first.

TypiClust (Hacohen et al., 2022): as many clusters as there will be labels; from those that hold no label, the largest
first, the sample whose neighbours are nearest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

MOST_CLUSTERS = 500
FEWEST = 5
"""Samples of a cluster below which it is of odd ones, and comes last."""
NEIGHBOURS = 20
MOST_COMPARED = 4000
"""Samples of a cluster among which neighbours are looked for."""
MOST_EXACT = 20_000
"""Samples above which clusters are found from parts of them."""
NUM_STARTS = 3


def typical_first(features: np.ndarray, num_labelled: int, number: int, seed: int) -> tuple[list[int], np.ndarray]:
    """Places of unlabelled samples that are best labelled next, and each sample's cluster, (N,).

    Args:
        features: (N, D), those of labelled samples first.
        number: of places; fewer come where fewer samples are unlabelled.
        seed: from which the clusters follow.
    """
    groups = _clusters(features, min(num_labelled + number, MOST_CLUSTERS, len(features)), seed)
    sizes = np.bincount(groups)
    labels = np.bincount(groups[:num_labelled], minlength=len(sizes))
    waiting: dict[int, Iterator[int]] = {}
    found: list[int] = []
    left = np.bincount(groups[num_labelled:], minlength=len(sizes))
    while len(found) < min(number, len(features) - num_labelled):
        possible = [group for group in range(len(sizes)) if left[group]]
        group = min(possible, key=lambda each: (sizes[each] < FEWEST, labels[each], -sizes[each], each))
        if group not in waiting:
            waiting[group] = _by_typicality(features, np.flatnonzero(groups == group), num_labelled, seed)
        found.append(next(waiting[group]))
        labels[group] += 1
        left[group] -= 1
    return found, groups


def _clusters(features: np.ndarray, number: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans, MiniBatchKMeans

    kind = KMeans if len(features) <= MOST_EXACT else MiniBatchKMeans
    # Samples that are the same make fewer clusters than were asked for.
    number = min(number, len(np.unique(features, axis=0)))
    found = kind(n_clusters=number, n_init=NUM_STARTS, random_state=seed).fit(features).labels_
    return np.asarray(found, np.int64)


def _by_typicality(features: np.ndarray, members: np.ndarray, num_labelled: int, seed: int) -> Iterator[int]:
    """The unlabelled members of a cluster, those with the nearest neighbours in it first."""
    from sklearn.neighbors import NearestNeighbors

    compared = members
    if len(members) > MOST_COMPARED:
        compared = np.random.default_rng(seed).choice(members, MOST_COMPARED, replace=False)
    number = min(NEIGHBOURS, len(compared) - 1)
    if number:
        search = NearestNeighbors(n_neighbors=number + 1).fit(features[compared])
        distances = search.kneighbors(features[members])[0].mean(axis=1)
        members = members[np.argsort(distances, kind="stable")]
    return (int(place) for place in members if place >= num_labelled)
