"""What detectors have in common whose points see boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import paddle
from paddle import nn


class Detector(nn.Layer):
    """Class logits (N, P, classes) and distance logits (N, P, 4 × bins) of images (N, 3, H, W).

    Attributes:
        strides: pixels between the P points of each level, in their order; row by row. H and W are multiples of 32.
        num_bins: distances, in strides, that an edge's distribution is over: 0 to one less.
        heads: regular expression of the tensors whose first rows are the classes.
        pretrained_part: how the names begin of what published weights are of: all of it, or the backbone.
    """

    strides: ClassVar[tuple[int, ...]]
    num_bins: ClassVar[int]
    heads: ClassVar[str]
    pretrained_part: ClassVar[str] = ""

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        raise NotImplementedError

    def merge(self) -> None:
        """Merges branches, where there are any, in place; outputs in evaluation stay the same."""

    def own_names(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Published tensors under this network's names; others as they are."""
        return dict(state)

    def as_computed(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Tensors of PaddleDetection's ``.pdparams`` under this network's names, as PaddleDetection computes with them."""
        return dict(state)
