"""Which points learn which box by task alignment: hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.nn.detection.points import points_of
from plx_train.nn.detection.task_aligned import assign, assign_central

POINTS = points_of((32, 32), (8,))
BOX = np.asarray([[0, 0, 24, 24]], np.float32)
CLASS = np.asarray([0])
INSIDE = [0, 1, 2, 4, 5, 6, 8, 9, 10]
"""Points of the 4 x 4 that lie in the box."""


def seen_with(overlaps: dict[int, float]) -> np.ndarray:
    """Boxes that overlap the true one by so much; others see next to nothing."""
    seen = np.concatenate([POINTS[:, :2] - 0.1, POINTS[:, :2] + 0.1], axis=1)
    for place, overlap in overlaps.items():
        seen[place] = [0, 0, 24, 24 * overlap]
    return seen


def test_the_best_scores_as_much_as_it_overlaps_and_others_in_proportion() -> None:
    scores = np.full((len(POINTS), 1), 0.5, np.float32)
    found = assign(POINTS, scores, seen_with({0: 1.0, 1: 0.9}), BOX, CLASS)
    by_point = dict(zip(found.points.tolist(), found.scores.tolist(), strict=True))
    assert by_point[0] == pytest.approx(1.0) and by_point[1] == pytest.approx(0.9**6, rel=1e-4)
    assert found.total == pytest.approx(sum(by_point.values())) and (found.weights == found.scores).all()


def test_a_score_counts_beside_the_overlap() -> None:
    scores = np.full((len(POINTS), 1), 0.1, np.float32)
    scores[1] = 0.8
    found = assign(POINTS, scores, seen_with({0: 0.8, 1: 0.8}), BOX, CLASS)
    by_point = dict(zip(found.points.tolist(), found.scores.tolist(), strict=True))
    assert by_point[1] == pytest.approx(0.8, rel=1e-4) and by_point[0] == pytest.approx(0.8 / 8, rel=1e-4)


def test_only_points_inside_learn_a_box() -> None:
    everywhere = seen_with(dict.fromkeys(range(len(POINTS)), 1.0))
    found = assign(POINTS, np.full((len(POINTS), 1), 0.5, np.float32), everywhere, BOX, CLASS)
    assert sorted(found.points.tolist()) == INSIDE


def test_a_point_learns_the_box_that_it_sees_best() -> None:
    boxes, classes = np.asarray([[0, 0, 24, 24], [0, 0, 24, 12]], np.float32), np.asarray([0, 1])
    found = assign(POINTS, np.full((len(POINTS), 2), 0.5, np.float32), seen_with({0: 1.0, 1: 0.5}), boxes, classes)
    by_point = dict(zip(found.points.tolist(), found.truths.tolist(), strict=True))
    assert (by_point[0], by_point[1]) == (0, 1)


SMALL = np.asarray([[6.5, 6.5, 9.5, 9.5]], np.float32)
"""Lies between four points."""


def test_a_box_between_points_is_learned_by_those_near_its_centre() -> None:
    scores, blind = np.full((len(POINTS), 1), 0.5, np.float32), seen_with({})
    blind[:, 2:] += 8  # All see something of it.
    assert len(assign(POINTS, scores, blind, SMALL, CLASS).points) == 0
    found = assign_central(POINTS, scores, blind, SMALL, CLASS)
    assert sorted(found.points.tolist()) == [0, 1, 4, 5]


def test_a_box_that_holds_points_is_learned_by_the_best_of_them_and_of_its_middle() -> None:
    scores = np.full((len(POINTS), 1), 0.5, np.float32)
    everywhere = seen_with(dict.fromkeys(range(len(POINTS)), 1.0))
    found = assign_central(POINTS, scores, everywhere, BOX, CLASS)
    assert sorted(found.points.tolist()) == INSIDE
    edge = np.asarray([[0, 0, 6, 24]], np.float32)  # Its points are those at x = 4; those at 12 are a stride away.
    seen = np.concatenate([POINTS[:, :2] - 2, POINTS[:, :2] + 2], axis=1)
    seen[:] = [0, 0, 6, 24]
    assert sorted(assign_central(POINTS, scores, seen, edge, CLASS).points.tolist()) == [0, 4, 8]


def test_nothing_to_learn() -> None:
    assert len(assign_central(POINTS, np.zeros((16, 1)), seen_with({}), np.zeros((0, 4)), np.zeros(0, int)).points) == 0
    none = assign(POINTS, np.zeros((len(POINTS), 1)), seen_with({}), np.zeros((0, 4)), np.zeros(0, int))
    assert len(none.points) == 0 and none.total == 0
