"""Which points learn which box: hand-worked cases."""

from __future__ import annotations

import numpy as np

from plx_train.nn.detection.overlap import overlaps
from plx_train.nn.detection.points import points_of
from plx_train.nn.detection.simota import assign

POINTS = points_of((64, 64), (8, 16))
BOXES = np.asarray([[8, 8, 32, 32], [40, 40, 56, 60]], np.float32)
CLASSES = np.asarray([0, 1])


def seeing(boxes: np.ndarray) -> np.ndarray:
    """Each point sees the box that it lies in, exactly; others see next to nothing."""
    seen = np.concatenate([POINTS[:, :2] - 0.1, POINTS[:, :2] + 0.1], axis=1)
    for box in boxes:
        seen[inside(box)] = box
    return seen


def inside(box: np.ndarray) -> np.ndarray:
    return ((POINTS[:, :2] > box[:2]) & (POINTS[:, :2] < box[2:])).all(axis=1)


def test_points_are_the_centres_of_their_cells() -> None:
    points = points_of((32, 64), (8, 32))
    assert points.shape == (4 * 8 + 1 * 2, 3)
    assert points[0].tolist() == [4, 4, 8] and points[1].tolist() == [12, 4, 8] and points[8].tolist() == [4, 12, 8]
    assert points[-1].tolist() == [48, 16, 32]
    assert len(points_of((40, 40), (32,))) == 4


def test_nothing_to_learn() -> None:
    scores = np.full((len(POINTS), 2), 0.01, np.float32)
    none = assign(POINTS, scores, seeing(BOXES), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    assert len(none.points) == 0


def test_points_in_the_middle_learn_their_box() -> None:
    scores = np.full((len(POINTS), 2), 0.01, np.float32)
    found = assign(POINTS, scores, seeing(BOXES), BOXES, CLASSES)
    # Those inside see their box exactly, so that overlaps add up to their number: all of them learn it, ten at most.
    for number, box in enumerate(BOXES):
        learners = found.points[found.truths == number]
        assert len(learners) == min(inside(box).sum(), 10) and inside(box)[learners].all()


def test_a_point_learns_one_box_alone() -> None:
    boxes = np.asarray([[0, 0, 40, 40], [4, 4, 44, 44]], np.float32)
    scores = np.full((len(POINTS), 2), 0.5, np.float32)
    found = assign(POINTS, scores, seeing(boxes), boxes, CLASSES)
    assert len(np.unique(found.points)) == len(found.points) and set(found.truths.tolist()) == {0, 1}


def test_a_box_that_nobody_sees_is_learned_all_the_same() -> None:
    seen = np.tile(np.asarray([[0, 0, 1, 1]], np.float32), (len(POINTS), 1))
    found = assign(POINTS, np.full((len(POINTS), 2), 0.01, np.float32), seen, BOXES[:1], CLASSES[:1])
    assert len(found.points) == 1


def test_the_score_that_fits_the_overlap_decides_among_equals() -> None:
    scores = np.full((len(POINTS), 2), 0.01, np.float32)
    best = int(np.flatnonzero((POINTS[:, 0] == 20) & (POINTS[:, 1] == 20) & (POINTS[:, 2] == 8))[0])
    seen = np.tile(np.asarray([[8, 8, 12, 32]], np.float32), (len(POINTS), 1))  # an overlap of a sixth: one point
    scores[best, 0] = 0.17
    assert assign(POINTS, scores, seen, BOXES[:1], CLASSES[:1]).points.tolist() == [best]


def test_overlaps_of_boxes() -> None:
    first = np.asarray([[0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 10]], float)
    second = np.asarray([[0, 0, 10, 10], [5, 0, 15, 10], [20, 0, 30, 10]], float)
    iou, general = overlaps(first, second)
    assert np.allclose(iou, [1, 50 / 150, 0])
    # The hull of the last pair is 300 square pixels, 100 of them belong to neither.
    assert np.allclose(general, [1, 50 / 150, -100 / 300])
