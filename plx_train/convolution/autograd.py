"""The convolution as Paddle's autograd sees it."""

from __future__ import annotations

from typing import Any

import paddle
from paddle.autograd import PyLayer
from paddle.nn import functional

from plx_train.convolution.cache import PlanCache, Planned
from plx_train.convolution.plan import Geometry, Plan

PLANS = PlanCache()


def convolve(x: paddle.Tensor, weight: paddle.Tensor, bias: paddle.Tensor | None, geometry: Geometry) -> paddle.Tensor:
    """`x` convolved, float32 (N, O, H', W'), on the tape where any gradient is wanted."""
    given = (x, weight) if bias is None else (x, weight, bias)
    if paddle.is_grad_enabled() and not all(tensor.stop_gradient for tensor in given):
        return _Convolution.apply(x, weight, bias, geometry)
    return _forward(PLANS.get(geometry).plan, x.contiguous(), weight.contiguous(), bias, is_training=False)


class _Convolution(PyLayer):
    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, geometry: Geometry) -> Any:
        x, weight = x.contiguous(), weight.contiguous()
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        ctx.wants = (not x.stop_gradient, not (weight.stop_gradient and (bias is None or bias.stop_gradient)))
        return _forward(PLANS.get(geometry).plan, x, weight, bias, is_training=True)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, weight = ctx.saved_tensor()
        # Asked for anew: gradients may be computed in another thread.
        planned = PLANS.get(ctx.geometry)
        dy = dy.contiguous()
        dx = done = None
        wants_x, wants_weight = ctx.wants
        if wants_x:
            dx = paddle.empty(x.shape, "float32")
            done = planned.plan.backward_data(dy.data_ptr(), weight.data_ptr(), dx.data_ptr())
        dweight, dbias = _backward_weights(planned, dy, x, weight.shape, done) if wants_weight else (None, None)
        return (dx, dweight, dbias) if ctx.geometry.has_bias else (dx, dweight)


def _forward(plan: Plan, x: Any, weight: Any, bias: Any, is_training: bool) -> Any:
    y = paddle.empty(plan.y_shape, "float32")
    plan.forward(x.data_ptr(), weight.data_ptr(), _address(bias), y.data_ptr(), is_training)
    return y


def _backward_weights(planned: Planned, dy: Any, x: Any, shape: list[int], done: Any) -> tuple[Any, Any]:
    plan = planned.plan
    dweight = paddle.empty(shape, "float32")
    dbias = paddle.empty([plan.y_shape[1]], "float32") if plan.geometry.has_bias else None
    if planned.wide is None:
        plan.backward_weights(dy.data_ptr(), x.data_ptr(), dweight.data_ptr(), _address(dbias), done)
    else:
        x = functional.pad(x, [*planned.wide.padding, 0, 0])
        planned.wide(dy.data_ptr(), x.data_ptr(), dweight.data_ptr(), _address(dbias), done)
    return dweight, dbias


def _address(tensor: Any) -> int | None:
    return None if tensor is None else tensor.data_ptr()
