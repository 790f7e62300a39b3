"""Thresholds on held-out pictures: false alarms that are promised, the best F1, and too few of either."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.metrics.defect_thresholds import choose_threshold, of_false_alarms


def test_no_more_false_alarms_than_asked_for() -> None:
    # ceil(20 * 0.9) = 18th of 19 scores: of a new picture one place in ten is above it.
    found = of_false_alarms(np.arange(1.0, 20.0), 0.1)
    assert found.value == 18.0 and found.reason == "10.00% false alarms on 19 held-out good pictures"
    rng = np.random.default_rng(0)
    shares = [np.mean(rng.normal(5, 1, 200) > of_false_alarms(rng.normal(5, 1, 60), 0.05).value) for _ in range(400)]
    assert 0.03 < np.mean(shares) < 0.05


def test_few_pictures_are_told_by_their_spread() -> None:
    scores = np.exp(np.asarray([-1.0, 0.0, 1.0]))
    found = of_false_alarms(scores, 0.01)
    assert found.value == pytest.approx(np.exp(2.3263), rel=1e-3) and "only 3" in found.reason
    assert of_false_alarms(np.asarray([2.0]), 0.01).value == 2.0


def test_f1_takes_labelled_defects() -> None:
    scores = np.asarray([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], float)
    shows = scores > 5
    found = choose_threshold(scores, shows, "auto", 0.05)
    assert found.value == 5.5 and found.reason.startswith("the best F1 on 5 held-out good pictures and 5")
    assert choose_threshold(scores, shows, "false_alarms", 0.2).value == 5.0
    few = choose_threshold(scores[:7], shows[:7], "f1", 0.2)
    assert few.value == 5.0 and "too few held-out pictures for F1: 5 good, 2 with a defect" in few.reason


def test_scores_that_are_all_alike_are_no_fault() -> None:
    assert choose_threshold(np.zeros(30), np.zeros(30, bool), "auto", 0.05).value > 0
    assert choose_threshold(np.asarray([3.0]), np.asarray([True]), "auto", 0.05).value == 1.0
