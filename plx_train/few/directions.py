"""Features at the depths of a network made comparable, so that what is alike has near directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LAST_WEIGHT = 1.5
"""What the network answers from counts so much more than a depth before: it knows most of photographs like those that
it was trained on, they of textures and parts in pictures of other kinds."""
LEAST_DEVIATION = 0.1
"""What is added to the deviation of a feature, as a share of that of all: what hardly varies must not count as much."""


def directions(depths: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of length 1, float64 (N, all features), of samples whose features at each depth are (N, features).

    Roots, because a few large features must not decide alone; of each how far it is from its mean over the samples, by
    its deviation.
    """
    parts = [_unit(_standardised(one.astype(np.float64))) for one in depths]
    parts[-1] *= LAST_WEIGHT
    return _unit(np.concatenate(parts, axis=1))


def _standardised(features: np.ndarray) -> np.ndarray:
    roots = np.sign(features) * np.sqrt(np.abs(features))
    scale = roots.std(axis=0) + LEAST_DEVIATION * roots.std()
    return np.asarray((roots - roots.mean(axis=0)) / np.maximum(scale, 1e-12))


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
