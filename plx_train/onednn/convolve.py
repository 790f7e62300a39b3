"""The convolution as Paddle's autograd sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import paddle
from paddle.autograd import PyLayer

from plx_train.onednn.cache import CACHE
from plx_train.onednn.convolution import ConvolutionPrimitives, Geometry
from plx_train.onednn.depthwise import WideGradient, is_wide
from plx_train.onednn.primitive import ThreadState, address


@dataclass(frozen=True)
class Planned:
    """What computes a geometry; `wide` the weight gradient, where it is taken in parts."""

    plan: ConvolutionPrimitives
    wide: WideGradient | None


def planned(state: ThreadState, geometry: Geometry) -> Planned:
    """What computes `geometry` in the thread that `state` is of."""
    return Planned(ConvolutionPrimitives(geometry, state), WideGradient(geometry, state) if is_wide(geometry) else None)


def convolve(x: paddle.Tensor, weight: paddle.Tensor, bias: paddle.Tensor | None, geometry: Geometry) -> paddle.Tensor:
    """`x` convolved, float32 (N, O, H', W'), on the tape where any gradient is wanted."""
    given = (x, weight) if bias is None else (x, weight, bias)
    if paddle.is_grad_enabled() and not all(tensor.stop_gradient for tensor in given):
        return _Convolution.apply(x, weight, bias, geometry)
    return _forward(CACHE.get(planned, geometry).plan, x.contiguous(), weight.contiguous(), bias)


class _Convolution(PyLayer):
    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, geometry: Geometry) -> Any:
        x, weight = x.contiguous(), weight.contiguous()
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        ctx.wants = (not x.stop_gradient, not weight.stop_gradient, bias is not None and not bias.stop_gradient)
        return _forward(CACHE.get(planned, geometry).plan, x, weight, bias)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, weight = ctx.saved_tensor()
        # Asked for anew: gradients may be computed in another thread.
        found = CACHE.get(planned, ctx.geometry)
        dy = dy.contiguous()
        dx = done = None
        wants_x, wants_weight, wants_bias = ctx.wants
        if wants_x:
            dx = paddle.empty(x.shape, "float32")
            done = found.plan.backward_data(dy.data_ptr(), weight.data_ptr(), dx.data_ptr())
        dweight = dbias = None
        if wants_weight or wants_bias:
            dweight, dbias = _backward_weights(found, dy, x, weight.shape, done)
        gradients = (dx, dweight if wants_weight else None, dbias if wants_bias else None)
        return gradients if ctx.geometry.has_bias else gradients[:2]


def _forward(plan: ConvolutionPrimitives, x: Any, weight: Any, bias: Any) -> Any:
    y = paddle.empty(plan.y_shape, "float32")
    plan.forward(x.data_ptr(), weight.data_ptr(), address(bias), y.data_ptr())
    return y


def _backward_weights(found: Planned, dy: Any, x: Any, shape: list[int], done: Any) -> tuple[Any, Any]:
    plan = found.plan
    dweight = paddle.empty(shape, "float32")
    dbias = paddle.empty([plan.y_shape[1]], "float32") if plan.geometry.has_bias else None
    if found.wide is None:
        plan.backward_weights(dy.data_ptr(), x.data_ptr(), dweight.data_ptr(), address(dbias), done)
    else:
        zeros = paddle.zeros(found.wide.padded_shape, "float32")
        found.wide(dy.data_ptr(), x.data_ptr(), zeros.data_ptr(), dweight.data_ptr(), address(dbias))
    return dweight, dbias
