"""Classifiers to begin with: what a logistic regression finds in features, as a network's last layer."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from plx_train.vision.first_head import class_head, label_head, set_head

CENTRES = np.asarray([[4.0, 0, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0]])


def drawn(classes: np.ndarray, seed: int) -> np.ndarray:
    return np.asarray(CENTRES[classes] + np.random.default_rng(seed).normal(0, 0.5, (len(classes), 4)), np.float32)


@pytest.mark.parametrize("number", [2, 3])
def test_each_class_is_likeliest_where_its_samples_are(number: int) -> None:
    classes, others = np.arange(30) % number, np.arange(9) % number
    weights, biases = class_head(drawn(classes, 0), classes, number)
    assert weights.dtype == biases.dtype == np.float32
    assert ((drawn(others, 1) @ weights + biases).argmax(axis=1) == others).all()


def test_a_class_without_samples_is_likely_nowhere() -> None:
    classes = np.arange(30) % 2
    weights, biases = class_head(drawn(classes, 0), classes, 3)
    assert (drawn(classes, 1) @ weights + biases).argmax(axis=1).max() == 1
    assert not weights[:, 2].any()


def test_labels_hold_each_on_its_own() -> None:
    classes = np.arange(30) % 3
    holds = np.stack([classes == 0, classes != 1, classes >= 0, classes < 0], axis=1)
    weights, biases = label_head(drawn(classes, 0), holds)
    found = drawn(classes, 1) @ weights + biases > 0
    assert (found == holds).all()
    assert biases[2] == pytest.approx(np.log(30.5 / 0.5)) and biases[3] == pytest.approx(-biases[2])


def test_linear_layers_and_convolutions_take_it() -> None:
    classes = np.arange(30) % 3
    features, head = drawn(classes, 0), class_head(drawn(classes, 0), classes, 3)
    linear, convolution = paddle.nn.Linear(4, 3), paddle.nn.Conv2D(4, 3, 1)
    set_head(linear, head)
    set_head(convolution, head)
    x = paddle.to_tensor(features)
    expected = features @ head[0] + head[1]
    np.testing.assert_allclose(linear(x).numpy(), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(convolution(x[:, :, None, None])[:, :, 0, 0].numpy(), expected, rtol=1e-4, atol=1e-4)
