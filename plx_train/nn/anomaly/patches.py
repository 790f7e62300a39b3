"""Patches of images, each seen at several strides: what a memory of good pictures is made of."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.anomaly.backbones import STRIDES, build_backbone
from plx_train.nn.anomaly.score_map import Enlarge
from plx_train.nn.anomaly.whole import Whole


class PatchNetwork(nn.Layer):
    """A network that looks at the patches of images (N, 3, H, W), of which nothing is trained.

    Args:
        backbone: its name.
        size: (height, width) of the images.
        strides: of the features that are taken; the smallest is that of the patches.
        sigma: of the Gaussian that blurs scores, in pixels.
    """

    def __init__(self, backbone: str, size: tuple[int, int], strides: Sequence[int], sigma: float) -> None:
        super().__init__()
        self.backbone = build_backbone(backbone)
        for parameter in self.backbone.parameters():
            parameter.stop_gradient = True
        self.levels = tuple(STRIDES.index(stride) for stride in sorted(strides))
        grids = [cells_at(size, STRIDES[level]) for level in self.levels]
        self.cells = grids[0]
        self.join = nn.LayerList([Enlarge(grid, self.cells) for grid in grids[1:]])
        self.enlarge = Enlarge(self.cells, size, sigma)
        self.num_features = sum(self.backbone.out_channels[level] for level in self.levels)
        self.whole = Whole(self.num_features)

    def patches(self, x: paddle.Tensor) -> paddle.Tensor:
        """Features (N, patches, num_features), row by row."""
        maps = self.backbone(x)
        # A patch is seen with its neighbours.
        near = [F.avg_pool2d(maps[level], 3, 1, 1) for level in self.levels]
        alike = [near[0], *[layer(near[place]) for place, layer in enumerate(self.join, 1)]]
        # Made flat first: joined as maps, paddle 3.3 can't load the exported graph with oneDNN.
        return paddle.concat([one.flatten(2) for one in alike], 1).transpose([0, 2, 1])

    def mean_features(self, patches: paddle.Tensor) -> paddle.Tensor:
        """Features (N, num_features) of pictures as a whole."""
        return patches.sum(axis=1) * (1 / (self.cells[0] * self.cells[1]))

    def scores(self, distances: paddle.Tensor, patches: paddle.Tensor) -> paddle.Tensor:
        """Scores (N, 1, H, W) of distances (N, patches), to which is added how odd the picture is as a whole."""
        everywhere = self.whole(self.mean_features(patches))
        return self.enlarge(distances.reshape([-1, 1, *self.cells])) + everywhere.reshape([-1, 1, 1, 1])


def cells_at(size: tuple[int, int], stride: int) -> tuple[int, int]:
    """Rows and columns of a map at a stride; halves are rounded up, as convolutions with padding do it."""
    return -(-size[0] // stride), -(-size[1] // stride)
