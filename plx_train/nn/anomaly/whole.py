"""How odd pictures are as a whole: what changes everywhere a little is odd at no place."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.anomaly.score_map import root

FOLDS = 5
"""Parts of the pictures, each of which is measured by the others."""
SHRINKAGE = 0.01
"""Share of the mean variance that is added to all."""


class Whole(nn.Layer):
    """Scores (N,) of pictures' mean features (N, features): how far they are from those of good pictures.

    A Mahalanobis distance beyond that of usual good pictures, in units of what it is added to. Before `take` it is 0.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", paddle.zeros([features]))
        self.register_buffer("whitening", paddle.zeros([features, features]))
        self.register_buffer("usual", paddle.zeros([1]))
        self.register_buffer("unit", paddle.zeros([1]))

    def forward(self, seen: paddle.Tensor) -> paddle.Tensor:
        white = paddle.matmul(seen - self.mean, self.whitening)
        return F.relu(root(white.square().sum(axis=-1)) - self.usual) * self.unit

    def take(self, seen: np.ndarray, held: np.ndarray, spread: float) -> None:
        """Learns the mean features (N, features) of good pictures; with too few of them the score stays 0.

        Args:
            held: those of other good pictures, by which usual distances are told; where there are none, parts of those
                that are learned are measured by the others.
            spread: deviation, among good pictures, of the scores that this one is added to.
        """
        if len(seen) < 2 * FOLDS:
            return
        seen = seen.astype(np.float64)
        mean, whitening = _gaussian(seen)
        if len(held):
            apart = _apart(held, mean, whitening)
        else:
            folds = [np.arange(len(seen)) % FOLDS == fold for fold in range(FOLDS)]
            apart = np.concatenate([_apart(seen[fold], *_gaussian(seen[~fold])) for fold in folds])
        self.mean.set_value(mean.astype(np.float32))
        self.whitening.set_value(whitening.astype(np.float32))
        self.usual.set_value(np.asarray([apart.mean()], np.float32))
        self.unit.set_value(np.asarray([spread / max(apart.std(), 1e-6)], np.float32))


def _apart(seen: np.ndarray, mean: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Distances of pictures from a Gaussian."""
    return np.asarray(np.sqrt(np.square((seen - mean) @ whitening).sum(axis=1)))


def _gaussian(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and the matrix that whitens what stands at its left."""
    mean, number = seen.mean(axis=0), seen.shape[1]
    covariance = np.cov(seen.T).reshape(number, number)
    covariance += max(SHRINKAGE * float(np.trace(covariance)) / number, 1e-24) * np.eye(number)
    return mean, np.linalg.inv(np.linalg.cholesky(covariance)).T / np.sqrt(number)
