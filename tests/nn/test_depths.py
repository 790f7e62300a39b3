"""What classifiers see at several depths, whatever their family."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from plx_train.nn.classifiers import build_classifier, head_of
from plx_train.nn.depths import deep_convolutions, seen_at

CHANNELS = {
    "EfficientNet-Lite0": (672, 1152, 1152, 1280),
    "MobileNetV2_x1_0": (384, 576, 960, 1280),
    "MobileNetV3_small_x1_0": (240, 288, 576, 1024),
    "PP-LCNet_x1_0": (256, 256, 512, 1280),
    "ResNet18": (256, 512, 512, 512),
}


@pytest.mark.parametrize("name", CHANNELS)
def test_depths_grow_and_end_in_what_the_classifier_is_given(name: str) -> None:
    paddle.seed(1)
    network = build_classifier(name, 3)
    network.eval()
    images = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)
    head = head_of(network)[1]
    found = seen_at(network, [*deep_convolutions(network), head], images)
    assert tuple(one.shape[1] for one in found) == CHANNELS[name]
    assert all(one.dtype == np.float32 and np.ptp(one, axis=0).any() for one in found)
    logits = network(paddle.to_tensor(images)).numpy()
    np.testing.assert_allclose(head(paddle.to_tensor(found[-1])).numpy(), logits, rtol=1e-5, atol=1e-6)


def test_a_map_counts_by_its_mean_and_nothing_stays_behind() -> None:
    network = paddle.nn.Sequential(
        paddle.nn.Conv2D(3, 4, 1, bias_attr=False), paddle.nn.Conv2D(4, 2, 1, bias_attr=False)
    )
    network.eval()
    images = np.random.default_rng(0).normal(size=(2, 3, 5, 7)).astype(np.float32)
    (found,) = seen_at(network, [network[1]], images)
    np.testing.assert_allclose(
        found, network[0](paddle.to_tensor(images)).numpy().mean(axis=(2, 3)), rtol=1e-4, atol=1e-6
    )
    assert not network[1]._forward_pre_hooks
