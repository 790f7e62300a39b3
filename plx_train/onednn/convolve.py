"""The convolution as Paddle's autograd sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import paddle
from paddle.autograd import PyLayer

from plx_train.onednn.blocks import NUMBER_BYTES, ImageBlock, blocks_of, image_bytes
from plx_train.onednn.cache import CACHE
from plx_train.onednn.convolution import ConvolutionPrimitives, Geometry
from plx_train.onednn.crew import side_by_side
from plx_train.onednn.depthwise import WideGradient, is_wide, padded_shape
from plx_train.onednn.primitive import Primitive, ThreadState, address


@dataclass(frozen=True)
class Planned:
    """What computes a geometry; `wide` the weight gradient, where it is taken in parts."""

    plan: ConvolutionPrimitives
    wide: WideGradient | None

    @property
    def is_lone(self) -> bool:
        """Whether one thread computes the weight gradient, however many help."""
        parts = [self.plan] if self.wide is None else [plan for _, plan in self.wide.parts]
        return any(plan.weights.threads == 1 for plan in parts)


@dataclass(frozen=True)
class Addresses:
    """Where the tensors of a backward pass stand; None for what is not wanted, or not needed.

    Attributes:
        dweight, dbias: one after the other for each block.
        padded: zeros that hold a padded x.
    """

    dy: int
    x: int
    weight: int
    dx: int | None
    dweight: int | None
    dbias: int | None
    padded: int | None


def planned(state: ThreadState, geometry: Geometry) -> Planned:
    """What computes `geometry` in the thread that `state` is of."""
    return Planned(ConvolutionPrimitives(geometry, state), WideGradient(geometry, state) if is_wide(geometry) else None)


def convolve(x: paddle.Tensor, weight: paddle.Tensor, bias: paddle.Tensor | None, geometry: Geometry) -> paddle.Tensor:
    """`x` convolved, float32 (N, O, H', W'), on the tape where any gradient is wanted."""
    given = (x, weight) if bias is None else (x, weight, bias)
    if paddle.is_grad_enabled() and not all(tensor.stop_gradient for tensor in given):
        return _Convolution.apply(x, weight, bias, geometry)
    return _forward(geometry, x.contiguous(), weight.contiguous(), bias)


class _Convolution(PyLayer):
    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, geometry: Geometry) -> Any:
        x, weight = x.contiguous(), weight.contiguous()
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        ctx.wants = (not x.stop_gradient, not weight.stop_gradient, bias is not None and not bias.stop_gradient)
        return _forward(geometry, x, weight, bias)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, weight = ctx.saved_tensor()
        gradients = _backward(ctx.geometry, dy.contiguous(), x, weight, ctx.wants)
        return gradients if ctx.geometry.has_bias else gradients[:2]


def _forward(geometry: Geometry, x: Any, weight: Any, bias: Any) -> Any:
    y = paddle.empty(list(geometry.y), "float32")
    x_at, weight_at, bias_at, y_at = x.data_ptr(), weight.data_ptr(), address(bias), y.data_ptr()
    for block in blocks_of(geometry):
        plan = CACHE.get(planned, block.geometry).plan
        plan.forward(x_at + block.x, weight_at, bias_at, y_at + block.y)
    return y


def _backward(geometry: Geometry, dy: Any, x: Any, weight: Any, wants: tuple[bool, bool, bool]) -> tuple[Any, Any, Any]:
    """Gradients for x, weight and bias; None for those that are not wanted."""
    blocks = blocks_of(geometry)
    wants_x, wants_weight, wants_bias = wants
    dx = paddle.empty(x.shape, "float32") if wants_x else None
    dweight = dbias = padded = None
    if wants_weight or wants_bias:
        dweight = paddle.empty([len(blocks), *weight.shape], "float32")
        dbias = paddle.empty([len(blocks), geometry.y[1]], "float32") if geometry.has_bias else None
        padded = paddle.zeros(padded_shape(geometry), "float32") if is_wide(geometry) else None
    written = (address(tensor) for tensor in (dx, dweight, dbias, padded))
    at = Addresses(dy.data_ptr(), x.data_ptr(), weight.data_ptr(), *written)
    if at.dweight is None or not _helps_by_blocks(blocks):
        for number, block in enumerate(blocks):
            _weight_gradient(block, number, at, _input_gradient(block, at))
    else:
        for block in blocks:
            _input_gradient(block, at)
        side_by_side(lambda number: _weight_gradient(blocks[number], number, at), len(blocks))
    return dx, _added(dweight) if wants_weight else None, _added(dbias) if wants_bias else None


def _helps_by_blocks(blocks: Sequence[ImageBlock]) -> bool:
    """Whether threads can compute weight gradients in no other way than a block each."""
    return len(blocks) > 1 and CACHE.own.state.threads > 1 and CACHE.get(planned, blocks[0].geometry).is_lone


def _input_gradient(block: ImageBlock, at: Addresses) -> Primitive | None:
    """Writes the gradient for x, where it is wanted; gives what did, for `_weight_gradient`."""
    if at.dx is None:
        return None
    plan = CACHE.get(planned, block.geometry).plan
    return plan.backward_data(at.dy + block.y, at.weight, at.dx + block.x)


def _weight_gradient(block: ImageBlock, number: int, at: Addresses, done: Primitive | None = None) -> None:
    if at.dweight is None:
        return
    geometry, dy, x = block.geometry, at.dy + block.y, at.x + block.x
    # Asked for anew by each thread, which has primitives of its own.
    found = CACHE.get(planned, geometry)
    dweight = at.dweight + number * math.prod(geometry.weight) * NUMBER_BYTES
    dbias = None if at.dbias is None else at.dbias + number * geometry.y[1] * NUMBER_BYTES
    if found.wide is None or at.padded is None:
        found.plan.backward_weights(dy, x, dweight, dbias, done)
    else:
        zeros = at.padded + block.first * image_bytes(found.wide.padded_shape)
        found.wide(dy, x, zeros, dweight, dbias)


def _added(parts: Any) -> Any:
    """The sum over blocks, in their order."""
    count, *shape = parts.shape
    # Flat, because Paddle takes thrice as long for a sum over several axes.
    return parts[0] if count == 1 else parts.reshape([count, -1]).sum(0).reshape(shape)
