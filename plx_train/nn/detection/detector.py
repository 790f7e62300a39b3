"""What detectors have in common."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import paddle
from paddle import nn

from plx_train.nn.detection.csp_blocks import RepVggBlock

Truths = Sequence[tuple[np.ndarray, np.ndarray]]
"""Boxes x1, y1, x2, y2 (G, 4) in pixels and classes (G,) of each image."""

RARE = -math.log((1 - 0.01) / 0.01)
"""Bias of classes: the score of everything before training is a hundredth."""
TRAINING_ONLY = (r"^transformer\.denoising_class_embed\.",)
"""Regular expressions of tensors that nothing but training needs: exports lack them."""


def as_shares(truths: Truths, size: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same, boxes as shares of images of a height and width."""
    height, width = size
    sides = np.asarray([width, height] * 2, np.float32)
    return [(boxes / sides, classes) for boxes, classes in truths]


class Detector(nn.Layer):
    """A network that sees images (N, 3, H, W), H and W multiples of 32; what it gives is said by its family.

    Attributes:
        heads: the axis of the classes in those tensors that have one, by regular expressions of their names.
        pretrained_part: how the names begin of what published weights are of: all of it, or the backbone.
    """

    heads: ClassVar[Mapping[str, int]]
    pretrained_part: ClassVar[str] = ""

    def learn(self, x: paddle.Tensor, truths: Truths) -> Any:
        """What the family's criterion takes, of training images with their `truths`."""
        return self(x)

    def prepare(self, height: int, width: int) -> None:
        """Makes what depends on the size of images alone, in pixels, where there is any."""

    def class_tensors(self) -> dict[str, tuple[np.ndarray, int]]:
        """Its tensors that have an axis of classes, by name, with the number of that axis."""
        return {
            name: (tensor.numpy(), axis)
            for name, tensor in self.state_dict().items()
            for pattern, axis in self.heads.items()
            if re.match(pattern, name)
        }

    def merge(self) -> None:
        """Merges branches, where there are any, in place; outputs in evaluation stay the same."""
        for layer in self.sublayers():
            if isinstance(layer, RepVggBlock):
                layer.merge()

    def own_names(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Published tensors under this network's names; others as they are."""
        return dict(state)

    def as_computed(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Tensors of PaddleDetection's ``.pdparams`` under this network's names, as it computes with them."""
        return dict(state)


class PointDetector(Detector):
    """Class logits (N, P, classes) and distance logits (N, P, 4 × bins) of images (N, 3, H, W).

    Attributes:
        strides: pixels between the P points of each level, in their order; row by row.
        bins: distances, in strides, that an edge's distribution is over; those below 0 lie beyond the point.
    """

    strides: ClassVar[tuple[int, ...]]
    bins: range

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        raise NotImplementedError
