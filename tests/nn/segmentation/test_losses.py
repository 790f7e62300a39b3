"""Losses of the class of each pixel: parts against examples, what counts neither way, and trust."""

from __future__ import annotations

import math

import numpy as np
import paddle
import pytest

from plx_train.nn.segmentation.losses import LossParts, dice_loss, lovasz_loss, segmentation_loss

PLAIN = LossParts(hard=1.0)


def logits_of(probabilities: list[float]) -> paddle.Tensor:
    """Logits (1, 2, 1, W) by which class 1 has these probabilities."""
    return paddle.to_tensor([[[[0.0 for _ in probabilities]], [[math.log(p / (1 - p)) for p in probabilities]]]])


def test_pixels_that_do_not_count_are_left_out() -> None:
    logits, target = logits_of([0.8, 0.6, 0.1]), paddle.to_tensor([[[1, 0, 255]]])
    found = segmentation_loss([logits], target, PLAIN)
    assert float(found["loss"]) == pytest.approx(-(math.log(0.8) + math.log(0.4)) / 2, rel=1e-4)


def test_only_hard_pixels_are_learned_and_a_share_at_least() -> None:
    logits, target = logits_of([0.95, 0.9, 0.5, 0.99]), paddle.to_tensor([[[1, 1, 1, 1]]])
    loss = [float(segmentation_loss([logits], target, LossParts(0.7, kept))["loss"]) for kept in (0.0, 0.5)]
    assert loss == pytest.approx([-math.log(0.5), -(math.log(0.5) + math.log(0.9)) / 2], rel=1e-4)


def test_nothing_to_learn_is_no_loss() -> None:
    logits, target = logits_of([0.95, 0.2]), paddle.to_tensor([[[255, 255]]])
    parts = LossParts(dice=1.0, lovasz=1.0, boundary=1.0)
    assert float(segmentation_loss([logits, logits], target, parts)["loss"]) == pytest.approx(0, abs=1e-5)


def test_samples_count_by_their_trust() -> None:
    logits = paddle.concat([logits_of([0.8]), logits_of([0.3])])
    target = paddle.to_tensor([[[1]], [[1]]])
    found = segmentation_loss([logits], target, PLAIN, paddle.to_tensor([1.0, 0.0]))
    assert float(found["loss"]) == pytest.approx(-math.log(0.8), rel=1e-4)


def test_dice_is_that_of_the_classes_that_are_there() -> None:
    probabilities = paddle.to_tensor([[[[0.8, 0.4]], [[0.2, 0.6]], [[0.0, 0.0]]]])
    target, weights = paddle.to_tensor([[[0, 1]]]), paddle.ones([1, 1, 2])
    expected = 1 - (2 * 0.8 / (1.2 + 1) + 2 * 0.6 / (0.8 + 1)) / 2
    assert float(dice_loss(probabilities, target, weights)) == pytest.approx(expected, rel=1e-4)


def test_lovasz_is_the_overlap_where_answers_are_sure() -> None:
    found, truth = np.asarray([0, 0, 1, 1, 1]), np.asarray([0, 1, 1, 1, 0])
    sure = paddle.to_tensor(np.eye(2, dtype=np.float32)[found].T[None, :, None])
    target, weights = paddle.to_tensor(truth[None, None]), paddle.ones([1, 1, 5])
    assert float(lovasz_loss(sure, target, weights)) == pytest.approx(1 - (1 / 3 + 2 / 4) / 2, rel=1e-4)


def test_pixels_beside_another_class_count_more() -> None:
    logits, target = logits_of([0.9, 0.9, 0.6, 0.3]), paddle.to_tensor([[[1, 1, 1, 0]]])
    found = segmentation_loss([logits], target, LossParts(hard=1.0, boundary=1.0))
    assert float(found["boundary"]) == pytest.approx(-(math.log(0.6) + math.log(0.7)) / 2, rel=1e-4)
