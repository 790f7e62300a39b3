"""Evaluated in a batch, an image comes to the same bits as alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import paddle
import pytest

from plx_train.nn.classifiers import build_classifier
from plx_train.nn.rows import RowLinear, row_by_row
from plx_train.onednn.choice import choose_convolutions, restore_convolutions

NETWORKS = ["EfficientNet-Lite0", "PP-LCNet_x0_25", "MobileNetV2_x0_25", "MobileNetV3_small_x0_35", "ResNet18"]


@pytest.fixture(autouse=True)
def native_again() -> Iterator[None]:
    yield
    restore_convolutions()


@pytest.mark.parametrize("backend", ["native", "auto"])
@pytest.mark.parametrize("name", NETWORKS)
def test_logits_do_not_depend_on_the_batch(name: str, backend: str) -> None:
    choose_convolutions(backend, "fp32", is_cpu=True)
    paddle.seed(1)
    network = build_classifier(name, 10)
    network.eval()
    images = paddle.to_tensor(np.random.default_rng(0).normal(size=(7, 3, 32, 32)).astype("float32"))
    with paddle.no_grad():
        alone = np.concatenate([network(images[place : place + 1]).numpy() for place in range(7)])
        for step in (2, 7):
            together = [network(images[start : start + step]).numpy() for start in range(0, 7, step)]
            np.testing.assert_array_equal(np.concatenate(together), alone)


def test_scores_do_not_depend_on_the_batch() -> None:
    """The sigmoid of Paddle takes vectors of eight, and what remains by another formula."""
    logits = paddle.to_tensor(np.random.default_rng(0).normal(size=(5, 7)).astype("float32"))
    alone = np.concatenate([paddle.nn.functional.sigmoid(row).numpy() for row in paddle.split(logits, 5)])
    np.testing.assert_array_equal(row_by_row(paddle.nn.functional.sigmoid, logits).numpy(), alone)


def test_training_takes_all_rows_together() -> None:
    layer = RowLinear(3, 2)
    x = paddle.ones([4, 3])
    np.testing.assert_allclose(layer(x).numpy(), (x @ layer.weight + layer.bias).numpy(), rtol=1e-6)
    layer.eval()
    assert layer(x).shape == [4, 2]
