"""What comes to the same bits for a sample in whatever batch it is."""

from __future__ import annotations

from collections.abc import Callable

import paddle
from paddle import nn


def row_by_row(compute: Callable[[paddle.Tensor], paddle.Tensor], x: paddle.Tensor) -> paddle.Tensor:
    """`compute` of each row of `x` (N, …) alone: products and vectors of many rows are summed and cut otherwise."""
    rows = x.shape[0]
    return compute(x) if rows == 1 else paddle.concat([compute(row) for row in paddle.split(x, rows)])


class RowLinear(nn.Linear):
    """A linear layer that evaluates row by row."""

    def forward(self, input: paddle.Tensor) -> paddle.Tensor:
        # In a graph that is traced the number of rows is open.
        if self.training or not paddle.in_dynamic_mode():
            return super().forward(input)
        return row_by_row(super().forward, input)
