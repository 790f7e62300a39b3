"""scale · x + bias with one learnable number each, as PP-OCR's networks have after convolutions and activations."""

from __future__ import annotations

from typing import Any

import paddle
from paddle import nn
from paddle.autograd import PyLayer

LEARNING_RATE = 0.1
"""Rate of both numbers, relative to the network's."""


class LearnableAffine(nn.Layer):
    """scale · x + bias with one scalar each."""

    def __init__(self) -> None:
        super().__init__()
        attribute = {"learning_rate": LEARNING_RATE}
        constant = nn.initializer.Constant
        self.scale = self.create_parameter([1], paddle.ParamAttr(**attribute, initializer=constant(1.0)))
        self.bias = self.create_parameter([1], paddle.ParamAttr(**attribute, initializer=constant(0.0)))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if paddle.in_dynamic_mode() and x.place.is_cpu_place():
            return one_pass(x, self.scale, self.bias)
        return x * self.scale + self.bias


def one_pass(x: paddle.Tensor, scale: paddle.Tensor, bias: paddle.Tensor) -> paddle.Tensor:
    """scale · x + bias of one number each, where the numbers can be read at once; threads may take its place."""
    return _InOnePass.apply(x, scale, bias)


class _InOnePass(PyLayer):
    """Reads each tensor once, where multiplying and adding read it twice; other devices would wait for the numbers.

    Paddle 3.3's layers of this kind pass backward once only: with `retain_graph` a second pass ends the process.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, scale: Any, bias: Any) -> Any:
        factor = scale.item()
        ctx.save_for_backward(x)
        ctx.factor = factor
        ctx.wants = tuple(not tensor.stop_gradient for tensor in (x, scale, bias))
        return paddle.scale(x, factor, bias.item())

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved_tensor()
        wants_x, wants_scale, wants_bias = ctx.wants
        dscale = paddle.matmul(dy.reshape([1, -1]), x.reshape([-1, 1])).reshape([1]) if wants_scale else None
        dbias = dy.sum().reshape([1]) if wants_bias else None
        return paddle.scale(dy, ctx.factor) if wants_x else None, dscale, dbias
