"""scale · x + bias of one number each, some of x at a time, so that it stays in the processor's cache."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import paddle
from paddle.autograd import PyLayer

from plx_train.onednn.crew import side_by_side

SLICE = 1 << 17
"""Numbers that are computed by one thread at a time; half a megabyte."""


class Affine(PyLayer):
    """scale (1) · x + bias (1), float32."""

    @staticmethod
    def forward(ctx: Any, x: Any, scale: Any, bias: Any) -> Any:
        x = x.contiguous()
        ctx.save_for_backward(x)
        ctx.wants = tuple(not tensor.stop_gradient for tensor in (x, scale, bias))
        ctx.factor = factor = np.float32(scale.item())
        added = np.float32(bias.item())
        y = paddle.empty(x.shape, "float32")
        read, written = _numbers(x), _numbers(y)

        def compute(number: int) -> None:
            own = _slice(number)
            np.multiply(read[own], factor, out=written[own])
            np.add(written[own], added, out=written[own])

        side_by_side(compute, _slices(x))
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved_tensor()
        dy = dy.contiguous()
        wants_x, wants_scale, wants_bias = ctx.wants
        dx = paddle.empty(x.shape, "float32") if wants_x else None
        of_y, of_x = _numbers(dy), _numbers(x)
        written = None if dx is None else _numbers(dx)
        # Of each slice, added in their order.
        sums = np.zeros((2, _slices(x)))

        def compute(number: int) -> None:
            own = _slice(number)
            if written is not None:
                np.multiply(of_y[own], ctx.factor, out=written[own])
            if wants_scale:
                sums[0, number] = (of_y[own] * of_x[own]).sum()
            if wants_bias:
                sums[1, number] = of_y[own].sum()

        side_by_side(compute, _slices(x))
        dscale, dbias = (paddle.to_tensor([float(total)], "float32", place="cpu") for total in sums.sum(1))
        return dx, dscale if wants_scale else None, dbias if wants_bias else None


def _slices(x: Any) -> int:
    return -(-int(x.size) // SLICE)


def _slice(number: int) -> slice:
    return slice(number * SLICE, (number + 1) * SLICE)


def _numbers(tensor: Any) -> np.ndarray:
    """The tensor's own numbers, flat; it has to outlive them."""
    return np.ctypeslib.as_array((ctypes.c_float * int(tensor.size)).from_address(tensor.data_ptr()))
