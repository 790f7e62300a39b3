"""Thresholds of boxes: by hand, with few boxes of a class among many of others, and for a precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from plx_train.metrics.box_thresholds import best_thresholds
from plx_train.metrics.boxes import ImageBoxes

RIGHT, WRONG = [0, 0, 10, 10], [60, 60, 90, 90]


def image(right: Sequence[float], wrong: Sequence[float], number: int = 0) -> ImageBoxes:
    """An image with a box for each of the `right` scores, all of which are found, and others where nothing is."""
    shifts = np.arange(len(right))[:, None] * 20.0
    boxes = np.asarray([RIGHT] * len(right), float).reshape(-1, 4) + shifts
    found = [[number, score, *box] for score, box in zip(right, boxes.tolist(), strict=True)]
    found += [[number, score, 5000 + 50 * place, 0, 5030 + 50 * place, 30] for place, score in enumerate(wrong)]
    rows = np.asarray(found, float).reshape(-1, 6)
    return ImageBoxes(boxes, np.full(len(right), number), np.zeros(len(right), bool), rows, (9000, 9000))


def test_a_threshold_lies_between_right_and_wrong() -> None:
    assert best_thresholds([image([0.8], [0.4])] * 3, [0.5, 0.3]) == pytest.approx((0.6, 0.3))


def test_boxes_of_equal_scores_are_shown_together() -> None:
    (threshold,) = best_thresholds([image([0.9], [0.9])], [0.5])
    assert threshold < 0.9


def test_a_class_of_few_boxes_follows_the_others_and_one_of_many_goes_its_own_way() -> None:
    others = [image([0.9, 0.85, 0.8], [0.3, 0.25, 0.2]) for _ in range(30)]
    odd, many = image([0.9], [0.6], 1), [image([0.9], [0.6], 1) for _ in range(200)]
    few = best_thresholds([*others, odd], [0.5] * 2)
    assert few[0] == pytest.approx(0.55)
    alone = best_thresholds([odd], [0.5] * 2)[1]
    assert few[1] == pytest.approx(0.75) and alone == pytest.approx(0.75)
    low = [image([0.4], [0.1], 1) for _ in range(200)]
    assert best_thresholds([*others, *low], [0.5] * 2)[1] == pytest.approx(0.25)
    assert best_thresholds([*others, *many], [0.5] * 2)[1] == pytest.approx(0.75)


def test_one_wrong_box_of_a_rare_class_does_not_move_its_threshold_far() -> None:
    others = [image([0.9, 0.5, 0.45], [0.3]) for _ in range(30)]
    rare = image([0.9, 0.5], [0.6, 0.55], 1)
    assert best_thresholds([rare], [0.5] * 2)[1] > 0.6
    assert best_thresholds([*others, rare], [0.5] * 2)[1] < 0.5


def test_as_many_boxes_as_reach_a_precision_are_shown() -> None:
    images = [image([0.9, 0.8, 0.6, 0.4], [0.7, 0.5, 0.3])]
    for precision, threshold in ((0.99, 0.75), (0.75, 0.55), (0.66, 0.35), (0.5, 0.35)):
        assert best_thresholds(images, [0.5], precision) == pytest.approx((threshold,)), precision


def test_a_precision_that_is_not_reached_is_come_near() -> None:
    images = [image([0.9, 0.5], [0.95, 0.7, 0.6])]
    assert best_thresholds(images, [0.5], 0.9) == pytest.approx((0.8,))


def test_a_class_that_is_worse_than_the_others_does_not_borrow_their_precision() -> None:
    others = [image([0.9, 0.5], []) for _ in range(50)]
    worse = image([0.9, 0.5], [0.8, 0.7, 0.6, 0.55], 1)
    assert best_thresholds([*others, worse], [0.5] * 2, 0.9)[1] == pytest.approx(0.85)


def test_nothing_to_choose_on_leaves_what_was_published() -> None:
    assert best_thresholds([], [0.4]) == (0.4,)
    assert best_thresholds([image([], [0.9])], [0.4]) == (0.4,)
