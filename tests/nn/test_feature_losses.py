"""Losses of features against what they are by definition."""

from __future__ import annotations

import math

import numpy as np
import paddle
import pytest

from plx_train.nn.feature_losses import arc_face, contrast, triplet
from plx_train.nn.feature_network import FeatureNetwork, unit


def test_arc_face_widens_the_angle_to_the_right_class() -> None:
    cosines = np.asarray([[math.cos(0.5), 0.1], [0.3, math.cos(1.0)]], np.float32)
    wider = np.asarray([[math.cos(0.7), 0.1], [0.3, math.cos(1.2)]])
    right = np.exp(30 * wider[[0, 1], [0, 1]])
    expected = -np.log(right / np.exp(30 * wider).sum(axis=1)).mean()
    loss = arc_face(paddle.to_tensor(cosines), paddle.to_tensor([0, 1]), 0.2, 30.0)
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_arc_face_goes_on_down_beyond_half_a_turn() -> None:
    losses = [
        float(arc_face(paddle.to_tensor([[math.cos(angle), 0.0]]), paddle.to_tensor([0]), 0.2, 30.0))
        for angle in (2.8, 2.95, 3.1)
    ]
    assert losses == sorted(losses)


def test_contrast_tells_a_class_from_the_rest_of_the_batch() -> None:
    points = features(0, 30, 90)
    loss = contrast(points @ points.T, paddle.to_tensor([0, 0, 1]), 2.0)
    cosines = np.cos(np.deg2rad([[30, 90], [30, 60]]))
    shares = np.exp(2 * cosines[:, 0]) / np.exp(2 * cosines).sum(axis=1)
    # The third has no other image of its class.
    assert float(loss) == pytest.approx(-np.log(shares).sum() / 3, abs=1e-5)


def features(*degrees: float) -> paddle.Tensor:
    turns = np.deg2rad(degrees)
    return paddle.to_tensor(np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32))


def near(degrees: float) -> float:
    return 1 - math.cos(math.radians(degrees))


def test_the_hardest_triplets_count() -> None:
    # Of 0: own 30, other 20. Of 30: own 30, other 10. Of 20: own itself, other 10.
    loss = triplet(features(0, 30, 20), paddle.to_tensor([0, 0, 1]), 0.1, "hard")
    expected = [near(30) - near(20) + 0.1, near(30) - near(10) + 0.1, max(0, 0 - near(10) + 0.1)]
    assert float(loss) == pytest.approx(np.mean(expected), abs=1e-5)


def test_semi_hard_triplets_pass_over_what_is_nearer_than_their_own() -> None:
    loss = triplet(features(0, 30, 22, 40), paddle.to_tensor([0, 0, 1, 1]), 0.5, "semi")
    # Nothing lies beyond the second's own, 30 away: its farthest other is 10 away.
    pairs = [(30, 40), (30, 10), (18, 22), (18, 40)]
    expected = [max(0, near(own) - near(other) + 0.5) for own, other in pairs]
    assert float(loss) == pytest.approx(np.mean(expected), abs=1e-5)


def test_a_batch_of_one_class_teaches_nothing() -> None:
    points = features(0, 30)
    points.stop_gradient = False
    loss = triplet(points, paddle.to_tensor([0, 0]), 0.1, "hard")
    loss.backward()
    assert float(loss) == 0 and np.isfinite(points.grad.numpy()).all()


@pytest.mark.parametrize("name", ["EfficientNet-Lite0", "PP-LCNet_x0_25", "MobileNetV3_small_x0_35", "ResNet18"])
def test_without_a_classifier_features_are_what_went_into_it(name: str) -> None:
    x = paddle.ones([1, 3, 32, 32])
    networks = [FeatureNetwork(name, dimensions, 3, 2, 0.0) for dimensions in (None, 7)]
    for network in networks:
        network.eval()
    wide, narrow = networks[0](x), networks[1](x)
    assert wide.shape[1] == networks[0].head.weight.shape[0] > 7 and narrow.shape == [1, 7]
    assert float(unit(narrow).norm()) == pytest.approx(1, abs=1e-5)
