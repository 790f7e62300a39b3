"""Attention among tokens, and deformable attention of boxes to the places around them (arXiv 2010.04159)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

NUM_POINTS = 4
"""Places that a head looks at on each level."""


def linear(
    inputs: int, outputs: int, initial: nn.initializer.Initializer | None = None, bias: float = 0.0
) -> nn.Linear:
    """A linear layer whose weights begin as `initial` has it, None: as Xavier and Glorot do."""
    return nn.Linear(
        inputs,
        outputs,
        weight_attr=paddle.ParamAttr(initializer=initial or nn.initializer.XavierUniform()),
        bias_attr=paddle.ParamAttr(initializer=nn.initializer.Constant(bias)),
    )


class SelfAttention(nn.Layer):
    """Attention of tokens (N, T, C) to each other; parameters are named as in PaddleDetection."""

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads, self.head_dim = num_heads, channels // num_heads
        initial = paddle.ParamAttr(initializer=nn.initializer.XavierUniform())
        self.in_proj_weight = self.create_parameter([channels, 3 * channels], initial)
        self.in_proj_bias = self.create_parameter([3 * channels], is_bias=True)
        self.out_proj = linear(channels, channels)

    def forward(self, x: paddle.Tensor, places: paddle.Tensor, mask: paddle.Tensor | None = None) -> paddle.Tensor:
        """What tokens take from each other.

        Args:
            places: is added to `x` where tokens are compared.
            mask: is added to how alike they are, (T, T).
        """
        channels = x.shape[-1]
        weight, bias = self.in_proj_weight, self.in_proj_bias
        both = F.linear(x + places, weight[:, : 2 * channels], bias[: 2 * channels])
        query, key = (self._heads(each) for each in both.split(2, axis=-1))
        value = self._heads(F.linear(x, weight[:, 2 * channels :], bias[2 * channels :]))
        alike = paddle.matmul(query * self.head_dim**-0.5, key, transpose_y=True)
        shares = F.softmax(alike if mask is None else alike + mask, axis=-1)
        taken = paddle.matmul(shares, value).transpose([0, 2, 1, 3])
        return self.out_proj(taken.flatten(2))

    def _heads(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N, T, C) as (N, heads, T, C / heads)."""
        return x.reshape([0, 0, self.num_heads, self.head_dim]).transpose([0, 2, 1, 3])


class DeformableAttention(nn.Layer):
    """What queries take from features at places around their boxes.

    Args:
        num_levels: maps of features.
    """

    def __init__(self, channels: int, num_heads: int, num_levels: int) -> None:
        super().__init__()
        self.num_heads, self.num_levels = num_heads, num_levels
        zero, total = nn.initializer.Constant(0.0), num_heads * num_levels * NUM_POINTS
        self.sampling_offsets = linear(channels, 2 * total, zero)
        self.sampling_offsets.bias.set_value(_rays(num_heads, num_levels))
        self.attention_weights = linear(channels, total, zero)
        self.value_proj = linear(channels, channels)
        self.output_proj = linear(channels, channels)

    def forward(
        self, queries: paddle.Tensor, boxes: paddle.Tensor, memory: paddle.Tensor, sizes: Sequence[tuple[int, int]]
    ) -> paddle.Tensor:
        """What each query takes, (N, Q, C).

        Args:
            queries: (N, Q, C).
            boxes: x, y of their centre, width and height as shares of the image, (N, Q, 4).
            memory: features of all levels, row by row, (N, T, C).
            sizes: height and width of each level.
        """
        heads, points = self.num_heads, self.num_levels * NUM_POINTS
        offsets = self.sampling_offsets(queries).reshape([0, 0, heads, points, 2])
        boxes = boxes.unsqueeze([2, 3])
        # A grid's ends are -1 and 1.
        grid = 2 * (boxes[..., :2] + offsets * (0.5 / NUM_POINTS) * boxes[..., 2:]) - 1
        grid = grid.transpose([0, 2, 1, 3, 4]).flatten(0, 1)
        shares = F.softmax(self.attention_weights(queries).reshape([0, 0, heads, points]), axis=-1)
        shares = shares.transpose([0, 2, 1, 3]).flatten(0, 1).unsqueeze(1)
        values = self.value_proj(memory).transpose([0, 2, 1])
        taken = (self._sampled(values, grid, sizes) * shares).sum(-1)
        channels, count = queries.shape[2], queries.shape[1]
        return self.output_proj(taken.reshape([-1, channels, count]).transpose([0, 2, 1]))

    def _sampled(self, values: paddle.Tensor, grid: paddle.Tensor, sizes: Sequence[tuple[int, int]]) -> paddle.Tensor:
        """Features (N, C, T) at the places `grid` (N × heads, Q, levels × points, 2): (N × heads, C / heads, Q, …)."""
        # Where training computes in halves: a CPU's kernel has none.
        values, grid = (each if each.dtype == paddle.float32 else each.astype("float32") for each in (values, grid))
        levels = values.split([height * width for height, width in sizes], axis=2)
        grids = grid.split(self.num_levels, axis=2)
        dim = values.shape[1] // self.num_heads
        sampled = [
            F.grid_sample(levels[place].reshape([-1, dim, *size]), grids[place], align_corners=False)
            for place, size in enumerate(sizes)
        ]
        return paddle.concat(sampled, axis=-1)


def _rays(num_heads: int, num_levels: int) -> np.ndarray:
    """Offsets to begin with: each head looks into a direction of its own, its points ever further."""
    angles = np.arange(num_heads) * (2 * math.pi / num_heads)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    directions /= np.abs(directions).max(axis=-1, keepdims=True)
    steps = np.arange(1, NUM_POINTS + 1)[None, None, :, None]
    rays = np.broadcast_to(directions[:, None, None] * steps, (num_heads, num_levels, NUM_POINTS, 2))
    return rays.reshape(-1).astype(np.float32)
