"""A classifier to begin with: logistic regression on what published weights see in the labelled images."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import paddle

Head = tuple[np.ndarray, np.ndarray]
"""Weights (features, classes) and biases (classes,), float32."""
MOST_IMAGES = 2000
"""Labelled images that are looked at: more say little more to begin with."""

SCALE = 32.0
"""Mean squared length of the features that are learned from: it says how far their weights are held back."""
MOST_STEPS = 300
FLAT = 0.1
"""Deviation of a channel, in those of the median one, below which it is taken to be of that."""
RARE = 0.5
"""Samples that a class or label without any, or with nothing but, is taken to have."""


def class_head(features: np.ndarray, classes: np.ndarray, num_classes: int) -> Head:
    """A classifier of which one class is likeliest.

    Args:
        features: (N, D).
        classes: numbers (N,), at least two of them.
    """
    known, counts = np.unique(classes, return_counts=True)
    weights, biases = np.zeros((features.shape[1], num_classes)), np.zeros(num_classes)
    found, offsets = _fitted(features, classes)
    if len(known) == 2:
        found, offsets = np.hstack([-found, found]) / 2, np.concatenate([-offsets, offsets]) / 2
    weights[:, known], biases[known] = found, offsets
    missing = np.setdiff1d(np.arange(num_classes), known)
    biases[missing] = offsets.mean() + np.log(RARE / counts.mean())
    return weights.astype(np.float32), biases.astype(np.float32)


def label_head(features: np.ndarray, holds: np.ndarray) -> Head:
    """A classifier of labels that each hold or don't.

    Args:
        features: (N, D).
        holds: whether each label does, (N, labels).
    """
    weights, biases = np.zeros((features.shape[1], holds.shape[1])), np.zeros(holds.shape[1])
    for label, own in enumerate(holds.T.astype(bool)):
        if own.all() or not own.any():
            biases[label] = np.log((own.sum() + RARE) / ((~own).sum() + RARE))
            continue
        found, offset = _fitted(features, own)
        weights[:, label], biases[label] = found[:, 0], offset[0]
    return weights.astype(np.float32), biases.astype(np.float32)


def _fitted(features: np.ndarray, classes: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (D, classes, or 1 of two) and biases; one thread, so that bits are the same again."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    features = features.astype(np.float64)
    middle = features.mean(axis=0)
    spread = features.std(axis=0)
    # A channel that hardly varies says little, and would be blown up.
    scale = np.sqrt(SCALE / len(spread)) / np.maximum(spread, max(FLAT * np.median(spread), 1e-12))
    with warnings.catch_warnings(), threadpool_limits(1):
        # What is not yet settled in the last digits is as good to begin with.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=MOST_STEPS, tol=1e-3).fit((features - middle) * scale, classes)
    weights = model.coef_.T * scale[:, None]
    return weights, model.intercept_ - middle @ weights


def set_head(layer: paddle.nn.Layer, head: Head) -> None:
    """Gives a linear layer, or a convolution of 1 x 1 pixels, these weights and biases."""
    weights, biases = head
    layer.weight.set_value(weights if layer.weight.ndim == 2 else weights.T.reshape(layer.weight.shape))
    layer.bias.set_value(biases)
