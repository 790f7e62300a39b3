"""Figures of anomaly detection: by hand, against scikit-learn, and against chance."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from plx_train.metrics.events import (
    Detection,
    detection_delay,
    event_wise,
    events,
    point_adjusted,
    point_wise,
    random_point_adjusted_f1,
)
from plx_train.metrics.ranking import auroc, average_precision
from plx_train.modules.ts_anomaly.metric import pooled_figures

LABELS = np.array([0, 1, 1, 1, 1, 0, 0, 1, 1, 0])
PREDICTED = np.array([1, 0, 0, 1, 0, 0, 1, 0, 0, 0])


def test_events_are_runs() -> None:
    assert events(np.array([1, 1, 0, 0, 1])).tolist() == [[0, 2], [4, 5]]
    assert events(np.zeros(3)).shape == (0, 2)


def test_one_hit_in_four_rows_three_ways() -> None:
    # Point: 1 hit of 3 answers and 6 rows. Adjusted: the first event's 4 rows of 6 answers. Events: 1 of 2, 1 of 3.
    assert point_wise(LABELS, PREDICTED) == Detection(1 / 3, 1 / 6, 2 / 9)
    assert point_adjusted(LABELS, PREDICTED) == Detection(4 / 6, 4 / 6, 8 / 12)
    event = event_wise(LABELS, PREDICTED)
    assert (event.precision, event.recall) == (1 / 3, 1 / 2)
    assert event.f1 == pytest.approx(0.4)
    assert detection_delay(LABELS, PREDICTED) == 2.0


def test_labels_that_are_ones_and_zeros_of_any_kind() -> None:
    assert point_wise(LABELS.astype(float), PREDICTED.astype(bool)) == point_wise(LABELS, PREDICTED)
    assert event_wise(LABELS.astype(bool), PREDICTED.astype(float)) == event_wise(LABELS, PREDICTED)


def test_one_long_answer_finds_two_events_and_is_right_once() -> None:
    labels, predicted = np.array([1, 0, 0, 1, 0, 0]), np.array([1, 1, 1, 1, 0, 1])
    assert event_wise(labels, predicted) == Detection(0.5, 1.0, 2 / 3)


def test_nothing_found_and_nothing_to_find() -> None:
    nothing = Detection(0.0, 0.0, 0.0)
    assert point_wise(LABELS, np.zeros(10)) == event_wise(LABELS, np.zeros(10)) == nothing
    assert point_adjusted(np.zeros(10), PREDICTED) == nothing
    assert np.isnan(detection_delay(LABELS, np.zeros(10)))


def test_delay_is_the_median_of_the_found_events() -> None:
    labels = np.array([1, 1, 1, 0, 1, 1, 0, 1, 1, 1])
    predicted = np.array([0, 0, 1, 0, 1, 0, 0, 0, 0, 0])
    assert detection_delay(labels, predicted) == 1.0


def test_areas_by_hand() -> None:
    # Pairs: (3, 2) right, (3, 1) right, (2, 2) half, (2, 1) right.
    # Precision is 1 at score 3, and 2 of 3 at score 2, where recall is whole.
    labels, scores = np.array([1, 0, 1, 0]), np.array([3.0, 2.0, 2.0, 1.0])
    assert auroc(labels, scores) == 3.5 / 4
    assert average_precision(labels, scores) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_areas_are_those_of_scikit_learn(decimals: int) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    random = np.random.default_rng(decimals)
    labels = (random.random(500) < 0.1).astype(int)
    scores = np.round(random.random(500) + labels * 0.3, decimals)
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


def test_areas_of_one_kind_are_undefined() -> None:
    assert np.isnan(auroc(np.zeros(3), np.arange(3)))
    assert np.isnan(auroc(np.ones(3), np.arange(3)))
    assert np.isnan(average_precision(np.zeros(3), np.arange(3)))


def test_chance_is_what_random_answers_get() -> None:
    labels = np.zeros(4000, int)
    labels[300:450], labels[2000:2100], labels[3500:3505] = 1, 1, 1
    random = np.random.default_rng(0)
    for rate in (0.002, 0.01, 0.1):
        simulated = [point_adjusted(labels, random.random(4000) < rate).f1 for _ in range(500)]
        assert random_point_adjusted_f1(labels, rate) == pytest.approx(np.mean(simulated), abs=0.06)
    # One row in fifty, called blindly, is worth more than four fifths: why this figure is not shown alone.
    assert random_point_adjusted_f1(labels, 0.02) > 0.8


def test_chance_by_hand() -> None:
    # All 2⁴ answers to four rows, the first two an event, are equally likely at rate 1/2.
    labels = np.array([1, 1, 0, 0])
    mean = np.mean([point_adjusted(labels, np.array(each)).f1 for each in product([0, 1], repeat=4)])
    assert random_point_adjusted_f1(labels, 0.5) == pytest.approx(mean, abs=0.03)
    assert random_point_adjusted_f1(LABELS, 1.0) == pytest.approx(12 / 16)
    assert random_point_adjusted_f1(LABELS, 0.0) == random_point_adjusted_f1(np.zeros(5), 0.5) == 0.0


def test_all_figures_of_a_series() -> None:
    scores = PREDICTED + 0.01 * LABELS
    found = pooled_figures([LABELS], [scores], 1.0)
    assert found["f1"] == 2 / 9
    assert found["adjusted_f1"] == pytest.approx(2 / 3)
    assert found["adjusted_f1_random"] == random_point_adjusted_f1(LABELS, 0.3)
    assert found["event_f1"] == pytest.approx(0.4)
    assert found["delay_rows"] == 2.0
    assert found["auroc"] == auroc(LABELS, scores)
    assert set(found) >= {"precision", "recall", "event_precision", "event_recall", "auprc"}
