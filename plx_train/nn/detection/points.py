"""Points of an image that see boxes, and boxes from the distances that each point sees to their edges."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import paddle
from paddle.nn import functional as F


def points_of(size: tuple[int, int], strides: Sequence[int]) -> np.ndarray:
    """Centre x, y and stride of each point of an image (height, width), level by level, float32 (P, 3)."""
    levels = []
    for stride in strides:
        rows, columns = math.ceil(size[0] / stride), math.ceil(size[1] / stride)
        y, x = np.mgrid[:rows, :columns]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * stride
        levels.append(np.concatenate([centres, np.full((rows * columns, 1), stride)], axis=1))
    return np.concatenate(levels).astype(np.float32)


def mean_distances(logits: paddle.Tensor, bins: range) -> paddle.Tensor:
    """Expected distances (…, 4) in strides, of distributions over `bins` given as logits (…, 4 × bins)."""
    shares = F.softmax(logits.reshape([*logits.shape[:-1], 4, len(bins)]), axis=-1)
    return paddle.matmul(shares, paddle.arange(bins.start, bins.stop, dtype=logits.dtype))


def boxes_at(points: paddle.Tensor, distances: paddle.Tensor) -> paddle.Tensor:
    """Boxes x1, y1, x2, y2 (…, 4) in pixels: `distances` (…, 4), in strides, to the left, top, right and bottom.

    Args:
        points: (P, 3) as `points_of` gives them.
    """
    centre, stride = points[:, :2], points[:, 2:]
    distances = distances * stride
    return paddle.concat([centre - distances[..., :2], centre + distances[..., 2:]], axis=-1)
