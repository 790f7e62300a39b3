"""Which queries learn which boxes: hand-worked cases."""

from __future__ import annotations

import numpy as np

from plx_train.nn.detection.hungarian import match
from plx_train.nn.detection.overlap import centred, corners

BOXES = np.asarray([[0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.9, 0.9]], np.float32)
CLASSES = np.asarray([0, 1])


def pairs(scores: np.ndarray, found: np.ndarray, boxes: np.ndarray = BOXES) -> list[tuple[int, int]]:
    queries, truths = match(scores.astype(np.float32), centred(found.astype(np.float32)), boxes, CLASSES[: len(boxes)])
    return sorted(zip(truths.tolist(), queries.tolist(), strict=True))


def test_each_box_is_learned_by_the_query_that_found_it() -> None:
    found = np.asarray([[0.5, 0.1, 0.9, 0.3], [0.52, 0.5, 0.9, 0.9], [0.1, 0.1, 0.3, 0.32]])
    assert pairs(np.full((3, 2), 0.1), found) == [(0, 2), (1, 1)]


def test_the_sum_is_least_and_not_each_cost() -> None:
    # All see the same box: scores of 0.7, 0.6 and 0.01 cost 2 · -0.43, 2 · -0.23 and 2 · 1.13. Taken for itself, box 0
    # would go to query 0, and box 1 would be left to a query that is as good as sure that it is of another class.
    boxes = np.repeat(BOXES[:1], 2, axis=0)
    assert pairs(np.asarray([[0.7, 0.6], [0.6, 0.01]]), boxes, boxes) == [(0, 1), (1, 0)]


def test_among_equal_boxes_the_surer_one_learns() -> None:
    found = np.repeat(BOXES[:1], 3, axis=0)
    scores = np.full((3, 2), 0.1)
    scores[1, 0] = 0.8
    assert pairs(scores, found, BOXES[:1]) == [(0, 1)]


def test_more_boxes_than_queries_and_none() -> None:
    assert len(pairs(np.full((1, 2), 0.1), BOXES[:1])) == 1
    assert pairs(np.full((2, 2), 0.1), BOXES, BOXES[:0]) == []


def test_what_is_no_number_is_matched_last() -> None:
    scores = np.full((3, 2), 0.1)
    scores[0] = np.nan
    assert pairs(scores, np.repeat(BOXES[:1], 3, axis=0), np.repeat(BOXES[:1], 2, axis=0)) in (
        [(0, 1), (1, 2)],
        [(0, 2), (1, 1)],
    )


def test_both_ways_of_writing_boxes() -> None:
    assert np.allclose(centred(BOXES), [[0.2, 0.2, 0.2, 0.2], [0.7, 0.7, 0.4, 0.4]])
    assert np.allclose(corners(centred(BOXES)), BOXES)
