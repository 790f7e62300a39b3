"""What a classifier has to beat: the most frequent class, and the nearest training series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MAX_VALUES = 1 << 25
"""Values of the stretched training series held at a time; more are stretched to fewer rows."""
MIN_ROWS = 16
BLOCK = 256


def baseline_accuracies(
    train: Sequence[np.ndarray], labels: np.ndarray, val: Sequence[np.ndarray], truth: np.ndarray
) -> dict[str, float]:
    """``majority_accuracy`` and ``nearest_neighbour_accuracy`` on `val`, none of which needs any training.

    Args:
        train, val: series (T, C) of any length, in their own units.
        labels, truth: int64, their classes.
    """
    if not len(train) or not len(val):
        return {}
    most_frequent = int(np.bincount(labels).argmax())
    nearest = labels[nearest_series(train, val)]
    return {
        "majority_accuracy": float(np.mean(truth == most_frequent)),
        "nearest_neighbour_accuracy": float(np.mean(nearest == truth)),
    }


def nearest_series(train: Sequence[np.ndarray], val: Sequence[np.ndarray]) -> np.ndarray:
    """Place in `train` of the series nearest to each of `val`, int64 (N,).

    Nearest by squared distance, after all were stretched linearly to as many rows as the longest of `train` has.
    """
    longest, channels = max(map(len, train)), train[0].shape[1]
    rows = min(longest, max(MAX_VALUES // (len(train) * channels), MIN_ROWS))
    known = stretched(train, rows)
    sizes = np.einsum("nv,nv->n", known, known)
    found = []
    for start in range(0, len(val), BLOCK):
        asked = stretched(val[start : start + BLOCK], rows)
        # |a − b|² less |b|², which is the same for all a.
        found.append((sizes - 2 * asked @ known.T).argmin(axis=1))
    return np.concatenate(found)


def stretched(series: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """Series (T, C), each stretched linearly to `rows`, as float64 (N, rows·C)."""
    places = np.linspace(0, 1, rows)
    return np.stack([_stretched(np.asarray(one, np.float64), places).ravel() for one in series])


def _stretched(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    own = np.linspace(0, 1, len(values))
    return np.stack([np.interp(places, own, column) for column in values.T], axis=1)
