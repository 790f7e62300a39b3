"""scale · x + bias in one pass: its gradients against those of the two operations, and with parts frozen."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from plx_train.nn.affine import LearnableAffine


@pytest.mark.parametrize("scale", [1.7, 0.0, -0.3])
def test_gradients_are_those_of_multiplying_and_adding(scale: float) -> None:
    layer = LearnableAffine()
    layer.scale.set_value(paddle.to_tensor([scale]))
    layer.bias.set_value(paddle.to_tensor([0.4]))
    values = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    weights = paddle.to_tensor(np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32))
    found = []
    for forward in (layer, lambda x: x * layer.scale + layer.bias):
        x = paddle.to_tensor(values, stop_gradient=False)
        y = forward(x)
        (y * weights).sum().backward()
        found.append([y.numpy(), x.grad.numpy(), layer.scale.grad.numpy(), layer.bias.grad.numpy()])
        layer.clear_gradients()
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_what_is_frozen_gets_no_gradient() -> None:
    layer = LearnableAffine()
    layer.scale.stop_gradient = True
    x = paddle.rand([2, 3], "float32")
    layer(x).sum().backward()
    assert layer.scale.grad is None
    np.testing.assert_allclose(layer.bias.grad.numpy(), [6.0])
    layer.bias.stop_gradient = True
    assert layer(x).stop_gradient
    x.stop_gradient = False
    layer(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.ones((2, 3)))
