"""What labelled samples say of unlabelled ones through the neighbours between them.

Label spreading (Zhou et al., 2004) over the nearest neighbours in a network's features. All classes are scaled to the
same mass (class mass normalisation, Zhu et al., 2003), whatever their shares among the labels: those of the pool may
be others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 10
SHARPNESS = 3.0
"""Power of a likeness: far neighbours count little."""
CARRIED = 0.99
"""Share of what a sample takes from its neighbours, the rest being its own label."""
STEPS = 200
LEAST_REACH = 0.4
"""What reaches a sample, against the median of all: of other things' pictures a tenth to a fifth did."""


@dataclass(frozen=True)
class Spread:
    """What labels say of samples.

    Attributes:
        scores: of all classes, rows of sum 1, float64 (N, classes).
        is_reached: whether labels reach it nearly as well as others, bool (N,): what shows none of the classes lies
            aside.
    """

    scores: np.ndarray
    is_reached: np.ndarray


def spread_labels(features: np.ndarray, classes: Sequence[int], num_classes: int) -> Spread:
    """What labels of the first samples say of all.

    Args:
        features: (N, D), as `directions` gives them, of one look or of several side by side.
        classes: of the first samples.
    """
    graph = _graph(features)
    own = np.zeros((len(features), num_classes))
    own[np.arange(len(classes)), list(classes)] = 1
    found = own.copy()
    for _ in range(STEPS):
        found = CARRIED * (graph @ found) + (1 - CARRIED) * own
    reach = found.sum(axis=1)
    is_reached = reach >= LEAST_REACH * np.median(reach[len(classes) :]) if len(classes) < len(features) else reach > 0
    is_labelled = own.any(axis=0)
    found *= is_labelled / np.maximum(found.sum(axis=0), 1e-12)
    # What no label reaches may be any of the classes.
    found += 1e-9 * is_labelled
    return Spread(found / found.sum(axis=1, keepdims=True), is_reached)


def _graph(features: np.ndarray) -> np.ndarray:
    """Likenesses of neighbours, symmetric and scaled so that it keeps what passes it, sparse (N, N)."""
    from scipy.sparse import csr_matrix, diags
    from sklearn.neighbors import NearestNeighbors

    number = min(NEIGHBOURS, len(features) - 1)
    search = NearestNeighbors(n_neighbors=number + 1, metric="cosine", algorithm="brute").fit(features)
    distances, places = search.kneighbors(features)
    likeness = np.maximum(1 - distances[:, 1:], 0) ** SHARPNESS
    rows = np.repeat(np.arange(len(features)), number)
    graph = csr_matrix((likeness.ravel(), (rows, places[:, 1:].ravel())), shape=(len(features),) * 2)
    graph = graph.maximum(graph.T)
    scale = diags(1 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1e-12)))
    return scale @ graph @ scale
