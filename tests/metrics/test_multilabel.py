"""Figures of labels, their thresholds and losses against written-out examples."""

from __future__ import annotations

import json
import math

import numpy as np
import paddle
import pytest

from plx_train.contract.sample import Sample
from plx_train.metrics.multilabel import LabelMetric, label_file, over_labels
from plx_train.metrics.ranking import average_precision
from plx_train.metrics.thresholds import best_threshold, moved
from plx_train.nn.losses import label_loss
from plx_train.vision.answers import Answers

TRUTH = np.asarray([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], bool)
SCORES = np.asarray([[0.9, 0.1, 0.1], [0.4, 0.8, 0.6], [0.6, 0.7, 0.2], [0.2, 0.3, 0.1]])


def test_average_precision_of_ranks_one_and_three() -> None:
    assert average_precision(np.asarray([1, 1, 0, 0]), np.asarray([0.9, 0.4, 0.6, 0.2])) == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert average_precision(np.asarray([1, 0]), np.asarray([0.5, 0.5])) == 0.5
    assert math.isnan(average_precision(np.zeros(3), np.ones(3)))


def test_figures_over_labels() -> None:
    found = over_labels(TRUTH, SCORES >= 0.5, SCORES)
    # Label 0: one hit, one false, one missed; label 1: both; label 2 has no sample, and one false answer.
    assert found["mAP"] == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)
    assert found["micro_f1"] == pytest.approx(2 * 3 / (4 + 5))
    assert found["macro_f1"] == pytest.approx((0.5 + 1) / 2)
    assert found["exact"] == 0.5


def test_the_last_bits_of_scores_put_samples_in_no_order() -> None:
    truth = np.asarray([[1], [0]], bool)
    for noise in (1e-7, -1e-7):
        scores = np.asarray([[0.4644262], [0.4644262 + noise]], np.float32)
        assert over_labels(truth, scores >= 0.5, scores)["mAP"] == 0.5


def test_the_metric_gives_the_same_and_ranks_samples() -> None:
    metric = LabelMetric()
    nothing = np.zeros(0, np.int64)
    values = [
        metric.update(Answers(nothing, nothing, (), scores), Sample(None, None, truth, ""))
        for scores, truth in zip(SCORES, TRUTH, strict=True)
    ]
    assert values == [1.0, 0.5, pytest.approx(2 / 3), 1.0]
    assert metric.compute() == over_labels(TRUTH, SCORES >= 0.5, SCORES)


def test_the_file_has_a_row_per_label_and_no_nan() -> None:
    rows = json.loads(label_file(TRUTH, SCORES, ("a", "b", "c"), (0.5, 0.4, 0.3))["classes.json"])
    assert [row["name"] for row in rows] == ["a", "b", "c"] and rows[1]["threshold"] == 0.4
    assert rows[2]["average_precision"] is None and rows[2]["samples"] == 0


def test_the_best_threshold_lies_between_two_scores() -> None:
    truth = np.asarray([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    scores = np.asarray([0.1, 0.2, 0.3, 0.4, 0.2, 0.35, 0.6, 0.7, 0.8, 0.9])
    assert best_threshold(truth, scores) == pytest.approx(0.325)
    assert best_threshold(truth[2:], scores[2:], default=0.4) == 0.4


def test_scores_are_moved_by_odds_and_back() -> None:
    assert moved(np.asarray([0.2]), 0.2) == pytest.approx(0.5)
    raw = np.asarray([0.01, 0.5, 0.999])
    np.testing.assert_allclose(moved(moved(raw, 0.3), 0.7), raw)


def test_without_focus_the_loss_is_the_binary_cross_entropy() -> None:
    logits, target = paddle.to_tensor([[0.0, 2.0]]), paddle.to_tensor([[1.0, 0.0]])
    expected = math.log(2) + math.log(1 + math.exp(2))
    assert float(label_loss(logits, target)["loss"]) == pytest.approx(expected, rel=1e-5)


def test_what_is_surely_absent_costs_nothing_within_the_margin() -> None:
    logits, absent = paddle.to_tensor([[-4.0]]), paddle.to_tensor([[0.0]])
    assert float(label_loss(logits, absent, (0.0, 2.0), margin=0.05)["loss"]) == 0
    # Probability 0.5, moved to 0.45: its square times -log(0.55).
    even = float(label_loss(paddle.to_tensor([[0.0]]), absent, (0.0, 2.0), margin=0.05)["loss"])
    assert even == pytest.approx(-(0.45**2) * math.log(0.55), rel=1e-5)
