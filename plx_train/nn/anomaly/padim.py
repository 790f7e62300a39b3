"""PaDiM (arXiv 2011.08785): how far each patch is from the Gaussian of good pictures at its place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn

from plx_train.nn.anomaly.patches import PatchNetwork
from plx_train.nn.anomaly.score_map import root


class PaDiM(PatchNetwork):
    """Scores (N, 1, H, W) of images (N, 3, H, W): Mahalanobis distances, place by place, which are part of the graph.

    Before `take` all scores are alike.

    Args:
        backbone, size, strides, sigma: see `PatchNetwork`.
        features: that are looked at, drawn at random.
    """

    def __init__(
        self, backbone: str, size: tuple[int, int], strides: Sequence[int], sigma: float, features: int
    ) -> None:
        super().__init__(backbone, size, strides, sigma)
        number, places = min(features, self.num_features), self.cells[0] * self.cells[1]
        # The run has seeded numpy; what is drawn stays with the network's arrays.
        chosen = np.sort(np.random.permutation(self.num_features)[:number])
        self.register_buffer("chosen", paddle.to_tensor(np.eye(self.num_features, dtype=np.float32)[:, chosen]))
        # A parameter, for a network without any can't be given to an optimizer.
        self.mean = self.create_parameter([places, number], default_initializer=nn.initializer.Constant(0.0))
        self.register_buffer("whitening", paddle.zeros([places, number, number]))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        patches = self.patches(x)
        apart = (paddle.matmul(patches, self.chosen) - self.mean).transpose([1, 0, 2])
        white = paddle.matmul(apart, self.whitening)
        return self.scores(root(white.square().sum(axis=-1).transpose([1, 0])), patches)

    def take(self, mean: np.ndarray, covariance: np.ndarray) -> None:
        """Remembers means (patches, features), and what whitens by covariances (patches, features, features)."""
        inverse = np.linalg.inv(np.linalg.cholesky(covariance.astype(np.float64))) / np.sqrt(covariance.shape[-1])
        self.mean.set_value(mean.astype(np.float32))
        self.whitening.set_value(np.swapaxes(inverse, 1, 2).astype(np.float32))
