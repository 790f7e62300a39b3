"""PatchCore (arXiv 2106.08265): how far each patch is from the nearest one of a memory of good pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn

from plx_train.nn.anomaly.patches import PatchNetwork
from plx_train.nn.anomaly.score_map import root


class PatchCore(PatchNetwork):
    """Scores (N, 1, H, W) of images (N, 3, H, W): distances from the memory, which is part of the graph.

    Before `take` all scores are alike.

    Args:
        backbone, size, strides, sigma: see `PatchNetwork`.
        capacity: patches that are remembered.
    """

    def __init__(
        self, backbone: str, size: tuple[int, int], strides: Sequence[int], sigma: float, capacity: int
    ) -> None:
        super().__init__(backbone, size, strides, sigma)
        self.capacity = capacity
        self.register_buffer("memory", paddle.zeros([self.num_features, capacity]))
        # A parameter, for a network without any can't be given to an optimizer.
        self.mean = self.create_parameter([self.num_features], default_initializer=nn.initializer.Constant(0.0))
        self.register_buffer("scale", paddle.zeros([1]))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        patches = self.patches(x)
        found = (patches - self.mean) * self.scale
        products = paddle.matmul(found, self.memory)
        nearest = (self.memory.square().sum(axis=0) - 2 * products).min(axis=-1)
        return self.scores(root(nearest + found.square().sum(axis=-1)), patches)

    def take(self, mean: np.ndarray, scale: float, memory: np.ndarray) -> None:
        """Remembers patches (K, num_features) that are centred and scaled; where they are too few, some twice."""
        kept = memory[np.arange(self.capacity) % len(memory)]
        self.memory.set_value(kept.T.astype(np.float32))
        self.mean.set_value(mean.astype(np.float32))
        self.scale.set_value(np.asarray([scale], np.float32))
