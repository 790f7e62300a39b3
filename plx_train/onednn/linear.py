"""x · weight + bias by oneDNN's matrix product, rows and columns in blocks."""

from __future__ import annotations

from typing import Any

import paddle
from paddle.autograd import PyLayer

from plx_train.onednn.blocks import NUMBER_BYTES, bounds
from plx_train.onednn.crew import side_by_side
from plx_train.onednn.library import check, library

LEAST_PRODUCTS = 1 << 20
"""Products of a block that are worth the way to another thread."""
Sizes = tuple[int, int, int]
"""Rows, columns and depth of a product: (rows, depth) by (depth, columns)."""


def can_multiply(x: Any, weight: Any, bias: Any) -> bool:
    """Whether the shapes fit, and the product has enough to do for several threads."""
    if len(weight.shape) != 2 or not x.shape or x.shape[-1] != weight.shape[0]:
        return False
    is_large = bool(x.size * weight.shape[1] >= 2 * LEAST_PRODUCTS)
    return is_large and (bias is None or bias.shape == weight.shape[1:])


class Linear(PyLayer):
    """x (…, I) · weight (I, O) + bias (O), float32 (…, O)."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any) -> Any:
        x, weight = x.contiguous(), weight.contiguous()
        ctx.save_for_backward(x, weight)
        ctx.wants = tuple(tensor is not None and not tensor.stop_gradient for tensor in (x, weight, bias))
        ctx.has_bias = bias is not None
        inputs, outputs = weight.shape
        shape = [*x.shape[:-1], outputs]
        y = paddle.empty(shape, "float32") if bias is None else bias.expand(shape).clone()
        sizes = (x.size // inputs, outputs, inputs)
        _multiply("NN", sizes, x.data_ptr(), weight.data_ptr(), y.data_ptr(), float(bias is not None))
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, weight = ctx.saved_tensor()
        dy = dy.contiguous()
        inputs, outputs = weight.shape
        rows = x.size // inputs
        wants_x, wants_weight, wants_bias = ctx.wants
        dx = dweight = None
        if wants_x:
            dx = paddle.empty(x.shape, "float32")
            _multiply("NT", (rows, inputs, outputs), dy.data_ptr(), weight.data_ptr(), dx.data_ptr())
        if wants_weight:
            dweight = paddle.empty(weight.shape, "float32")
            _multiply("TN", (inputs, outputs, rows), x.data_ptr(), dy.data_ptr(), dweight.data_ptr())
        dbias = dy.reshape([-1, outputs]).sum(0) if wants_bias else None
        return (dx, dweight, dbias) if ctx.has_bias else (dx, dweight)


def _multiply(turned: str, sizes: Sizes, a: int, b: int, c: int, keep: float = 0.0) -> None:
    """Writes a · b + `keep` · c to c; sums run over the whole depth in one thread each.

    Args:
        turned: two letters, T where a, or b, is held with rows and columns exchanged, else N.
    """
    rows, columns, depth = sizes
    is_wide = columns > rows
    length = columns if is_wide else rows
    parts = bounds(length, rows * columns * depth // LEAST_PRODUCTS)
    a_row, b_row = (rows if turned[0] == "T" else depth), (depth if turned[1] == "T" else columns)
    # Steps from one row of the result to the next in a, from one column to the next in b.
    a_step, b_step = (1 if turned[0] == "T" else a_row), (b_row if turned[1] == "T" else 1)
    turns = [letter.encode() for letter in turned]
    call = library().dnnl_sgemm

    def compute(number: int) -> None:
        first, end = parts[number]
        own_a = a if is_wide else a + first * a_step * NUMBER_BYTES
        own_b = b + first * b_step * NUMBER_BYTES if is_wide else b
        own_c = c + first * (1 if is_wide else columns) * NUMBER_BYTES
        own_rows, own_columns = (rows, end - first) if is_wide else (end - first, columns)
        check(
            call(*turns, own_rows, own_columns, depth, 1.0, own_a, a_row, own_b, b_row, keep, own_c, columns), "sgemm"
        )

    side_by_side(compute, len(parts))
