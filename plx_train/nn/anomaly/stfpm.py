"""STFPM (arXiv 2103.04257): where a student that has seen good pictures alone sees others than its teacher does."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.anomaly.backbones import STRIDES, build_backbone
from plx_train.nn.anomaly.patches import cells_at
from plx_train.nn.anomaly.score_map import Enlarge

LEAST = 1e-6
"""The smallest difference: the maps are multiplied, and none must blot out the others."""


class STFPM(nn.Layer):
    """Scores (N, 1, H, W) of images (N, 3, H, W); in training, the student's and the teacher's differences by stride.

    Args:
        backbone: name of the teacher, which keeps its weights, and of the student, which has none yet.
        size: (H, W).
        sigma: of the Gaussian that blurs scores, in pixels.
    """

    def __init__(self, backbone: str, size: tuple[int, int], sigma: float) -> None:
        super().__init__()
        self.backbone, self.student = build_backbone(backbone), build_backbone(backbone)
        self.backbone.eval()
        for parameter in self.backbone.parameters():
            parameter.stop_gradient = True
        grids = [cells_at(size, stride) for stride in STRIDES]
        self.cells = grids[0]
        self.join = nn.LayerList([Enlarge(grid, self.cells) for grid in grids[1:]])
        self.enlarge = Enlarge(self.cells, size, sigma)

    def differences(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Half the squared distances of features of length 1, (N, 1, h, w) at each stride."""
        with paddle.no_grad():
            taught = self.backbone(x)
        learned = self.student(x)
        apart = [F.normalize(taught[level]) - F.normalize(learned[level]) for level in range(len(taught))]
        return [0.5 * one.square().sum(1, keepdim=True) for one in apart]

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor] | paddle.Tensor:
        found = self.differences(x)
        if self.training:
            return found
        levels = [found[0], *[layer(found[place]) for place, layer in enumerate(self.join, 1)]]
        # The geometric mean: ordered as the product, on the scale of one difference.
        logarithms = [paddle.log(paddle.clip(level, min=LEAST)) for level in levels]
        return self.enlarge(paddle.exp(sum(logarithms[1:], logarithms[0]) / len(levels)))
