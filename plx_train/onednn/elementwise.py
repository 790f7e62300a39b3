"""Hard swish, and enlargement by a whole factor, which take Paddle longer than the convolutions beside them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any

import paddle
from paddle.autograd import PyLayer

from plx_train.onednn.cache import CACHE
from plx_train.onednn.library import (
    AVERAGE_POOLING,
    DIFF_DST,
    DIFF_SRC,
    DST,
    FORWARD_INFERENCE,
    FORWARD_TRAINING,
    HARDSWISH,
    NEAREST,
    SRC,
    attributes,
    check,
    engine,
    library,
)
from plx_train.onednn.primitive import Owned, Primitive, ThreadState, int64s, plain_layout, primitive_of

Sizes = tuple[int, ...]
SLOPE, OFFSET = ctypes.c_float(1 / 6), ctypes.c_float(0.5)
"""Slope and offset of hard swish, x · clip(x / 6 + 1/2, 0, 1)."""


class Hardswish(PyLayer):
    """x · clip(x / 6 + 1/2, 0, 1) of a float32 tensor."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        x = x.contiguous()
        ctx.save_for_backward(x)
        y = paddle.empty(x.shape, "float32")
        CACHE.get(_hardswish, (x.size,))(x.data_ptr(), y.data_ptr())
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved_tensor()
        dy = dy.contiguous()
        dx = paddle.empty(x.shape, "float32")
        CACHE.get(_hardswish_gradient, (x.size,))(dy.data_ptr(), x.data_ptr(), dx.data_ptr())
        return dx


class Enlargement(PyLayer):
    """(N, C, H, W) by its nearest neighbours to (N, C, factor · H, factor · W)."""

    @staticmethod
    def forward(ctx: Any, x: Any, factor: int) -> Any:
        x = x.contiguous()
        ctx.small = (*x.shape, factor)
        y = paddle.empty([*x.shape[:2], x.shape[2] * factor, x.shape[3] * factor], "float32")
        CACHE.get(_enlarge, ctx.small)(x.data_ptr(), y.data_ptr())
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        dy = dy.contiguous()
        *shape, factor = ctx.small
        dx = paddle.empty(shape, "float32")
        # The sum over each pixel's copies is their mean times their number.
        CACHE.get(_average, ctx.small)(dy.data_ptr(), dx.data_ptr())
        return dx.scale_(float(factor**2))


def _hardswish(state: ThreadState, shape: Sizes) -> Primitive:
    layout = plain_layout(shape)
    return primitive_of(state, partial(_describe_hardswish, layout), {SRC: layout}, {DST: layout})


def _hardswish_gradient(state: ThreadState, shape: Sizes) -> Primitive:
    layout = plain_layout(shape)

    def describe() -> Owned:
        # The hint is handed over as it is: its handle alone would not keep it.
        hint = _describe_hardswish(layout)
        return _described("eltwise_backward", HARDSWISH, *(layout,) * 3, SLOPE, OFFSET, hint, attributes())

    return primitive_of(state, describe, {DIFF_DST: layout, SRC: layout}, {DIFF_SRC: layout})


def _describe_hardswish(layout: Owned) -> Owned:
    tensors = (layout,) * 2
    return _described("eltwise_forward", FORWARD_TRAINING, HARDSWISH, *tensors, SLOPE, OFFSET, attributes())


def _enlarge(state: ThreadState, sizes: Sizes) -> Primitive:
    small, large = _layouts(sizes)
    factors = (ctypes.c_float * 2)(sizes[-1], sizes[-1])
    given = (FORWARD_INFERENCE, NEAREST, factors, small, large, attributes())
    return primitive_of(state, partial(_described, "resampling_forward", *given), {SRC: small}, {DST: large})


def _average(state: ThreadState, sizes: Sizes) -> Primitive:
    small, large = _layouts(sizes)
    kernel, none = int64s((sizes[-1],) * 2), int64s((0, 0))
    given = (FORWARD_INFERENCE, AVERAGE_POOLING, large, small, kernel, kernel, none, none, none, attributes())
    return primitive_of(state, partial(_described, "pooling_forward", *given), {SRC: large}, {DST: small})


def _layouts(sizes: Sizes) -> tuple[Owned, Owned]:
    images, channels, height, width, factor = sizes
    return plain_layout(sizes[:4]), plain_layout((images, channels, height * factor, width * factor))


def _described(name: str, *given: Any) -> Owned:
    """A primitive's description; what is `Owned` among `given` lives at least until it is made."""
    made = Owned("primitive_desc")
    call: Callable[..., int] = getattr(library(), f"dnnl_{name}_primitive_desc_create")
    handles = [part.handle if isinstance(part, Owned) else part for part in given]
    check(call(ctypes.byref(made.handle), engine(), *handles), name)
    return made
