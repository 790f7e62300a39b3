"""What detectors have in common whose points see boxes."""

from __future__ import annotations

from typing import ClassVar

import paddle
from paddle import nn


class Detector(nn.Layer):
    """Class logits (N, P, classes) and distance logits (N, P, 4 × bins) of images (N, 3, H, W).

    Attributes:
        strides: pixels between the P points of each level, in their order; row by row. H and W are multiples of 32.
        num_bins: distances, in strides, that an edge's distribution is over: 0 to one less.
        heads: regular expression of the tensors whose first rows are the classes.
    """

    strides: ClassVar[tuple[int, ...]]
    num_bins: ClassVar[int]
    heads: ClassVar[str]

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        raise NotImplementedError

    def merge(self) -> None:
        """Merges branches, where there are any, in place; outputs in evaluation stay the same."""

    def generated_names(self) -> dict[str, str]:
        """The names of its tensors by those that Paddle gave them in an export; nothing where none is known."""
        return {}
