"""Maps of scores at a network's own size, enlarged by fixed matrices: no graph needs to interpolate."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn

SMALLEST = 0.01
"""The smallest root that is told: below it, roots are noise of their squares' rounding."""


def enlarging(length: int, cells: int, sigma: float = 0.0) -> np.ndarray:
    """The matrix float32 (length, cells) that enlarges a row of cells to pixels, and blurs it; its rows sum to 1.

    Args:
        sigma: of the Gaussian that blurs, in pixels; 0: none.
    """
    places = np.clip((np.arange(length) + 0.5) * cells / length - 0.5, 0, cells - 1)
    matrix = np.maximum(1 - np.abs(places[:, None] - np.arange(cells)), 0)
    if sigma > 0:
        near = np.exp(-0.5 * np.square((np.arange(length)[:, None] - np.arange(length)) / sigma))
        matrix = near / near.sum(axis=1, keepdims=True) @ matrix
    return (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)


class Enlarge(nn.Layer):
    """Maps (N, C, h, w) as (N, C, H, W), blurred.

    Args:
        cells: (h, w), and `size` (H, W).
    """

    def __init__(self, cells: tuple[int, int], size: tuple[int, int], sigma: float = 0.0) -> None:
        super().__init__()
        self.cells, self.size = cells, size
        rows, columns = (enlarging(length, number, sigma) for length, number in zip(size, cells, strict=True))
        self.register_buffer("rows", paddle.to_tensor(rows.T.copy()))
        self.register_buffer("columns", paddle.to_tensor(columns.T.copy()))

    def forward(self, maps: paddle.Tensor) -> paddle.Tensor:
        # Two axes each time: with four, oneDNN in paddle 3.3 gets what follows a convolution wrong in exported graphs.
        wide = paddle.matmul(maps.reshape([-1, self.cells[1]]), self.columns)
        turned = wide.reshape([-1, self.cells[0], self.size[1]]).transpose([0, 2, 1])
        large = paddle.matmul(turned.reshape([-1, self.cells[0]]), self.rows)
        upright = large.reshape([-1, self.size[1], self.size[0]]).transpose([0, 2, 1])
        return upright.reshape([-1, maps.shape[1], *self.size])


def root(squares: paddle.Tensor) -> paddle.Tensor:
    """Square roots, `SMALLEST` at least."""
    return paddle.sqrt(paddle.clip(squares, min=SMALLEST**2))
