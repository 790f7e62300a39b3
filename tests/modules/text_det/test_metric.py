"""The ICDAR 2015 rule on cases small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from kit.checked_rooms import true_sample
from kit.tiny_detector import Label, rectangle
from plx_train.modules.text_det.metric import TextDetMetric, match_page, prepare_truths

SQUARE = rectangle(0, 0, 10, 10)
ELSEWHERE = rectangle(100, 100, 110, 110)
BOW_TIE = np.asarray([[0, 0], [10, 10], [10, 0], [0, 10]], np.float32)


def shared_area(first: np.ndarray, second: np.ndarray) -> float:
    """Of two convex polygons, by OpenCV."""
    return cv2.intersectConvexConvex(first.astype(np.float32), second.astype(np.float32))[0]


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    shared = shared_area(first, second)
    return shared / (shared_area(first, first) + shared_area(second, second) - shared)


def score(found: Sequence[np.ndarray], labels: Sequence[Label]) -> tuple[float, float, float]:
    """Precision, recall and hmean of one page."""
    metric = TextDetMetric()
    metric.update(SimpleNamespace(quads=list(found), scores=np.ones(len(found))), true_sample(labels))
    result = metric.compute()
    return result["precision"], result["recall"], result["hmean"]


def test_perfect_and_nothing() -> None:
    assert score([SQUARE, ELSEWHERE], [Label(SQUARE), Label(ELSEWHERE)]) == (1.0, 1.0, 1.0)
    assert score([], [Label(SQUARE)]) == (0.0, 0.0, 0.0)
    assert score([SQUARE], []) == (0.0, 0.0, 0.0)
    assert score([], []) == (0.0, 0.0, 0.0)
    assert score([ELSEWHERE], [Label(SQUARE)]) == (0.0, 0.0, 0.0)


def test_harmonic_mean() -> None:
    # 1 of 2 found boxes is right, 1 of 3 true ones is found: 2 x 1/2 x 1/3 / (5/6) = 0.4
    labels = [Label(SQUARE), Label(rectangle(200, 0, 210, 10)), Label(rectangle(300, 0, 310, 10))]
    assert score([SQUARE, ELSEWHERE], labels) == pytest.approx((1 / 2, 1 / 3, 0.4))


@pytest.mark.parametrize(("height", "matches"), [(5.0, False), (5.01, True), (4.99, False)])
def test_overlap_must_exceed_half(height: float, matches: bool) -> None:
    # A part of the square: intersection over union is height / 10.
    assert score([rectangle(0, 0, 10, height)], [Label(SQUARE)])[2] == float(matches)


@pytest.mark.parametrize(("shift", "matches"), [(3.3, True), (3.4, False)])
def test_overlap_of_shifted_boxes(shift: float, matches: bool) -> None:
    # (10 - s) / (10 + s) passes 1/2 at s = 10/3.
    assert score([SQUARE + np.float32([shift, 0])], [Label(SQUARE)])[2] == float(matches)


def test_overlap_of_turned_boxes() -> None:
    diamond = np.asarray([[5, 0], [10, 5], [5, 10], [0, 5]], np.float32)
    # Half of the square is exactly too little; of the square 1..9, 46 of 68 is enough.
    assert score([diamond], [Label(SQUARE)])[2] == 0.0
    assert score([diamond], [Label(rectangle(1, 1, 9, 9))])[2] == 1.0


def test_one_true_box_takes_one_found_box() -> None:
    assert score([SQUARE, SQUARE, SQUARE], [Label(SQUARE)]) == pytest.approx((1 / 3, 1.0, 0.5))
    assert score([SQUARE], [Label(SQUARE), Label(SQUARE)]) == pytest.approx((1.0, 0.5, 2 / 3))


def test_true_boxes_choose_in_order() -> None:
    # The first true box could take either found box and takes the one that the second would have needed.
    first, second = SQUARE, rectangle(0, 3, 10, 13)
    both, only_first = rectangle(0, 1.5, 10, 11.5), rectangle(0, -2, 10, 8)
    truths = prepare_truths([Label(first), Label(second)])
    match = match_page([both, only_first], np.ones(2), truths)
    assert match.pairs.tolist() == [[0, 0]]
    match = match_page([only_first, both], np.ones(2), truths)
    assert match.pairs.tolist() == [[0, 0], [1, 1]]


def test_ignored_truth_counts_neither_way() -> None:
    labels = [Label(SQUARE, ignore=True), Label(ELSEWHERE)]
    assert score([ELSEWHERE], labels) == (1.0, 1.0, 1.0)
    assert score([SQUARE, ELSEWHERE], labels) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("inside", "counts"), [(5.0, True), (5.1, False), (4.9, True)])
def test_found_box_counts_unless_mostly_inside_an_ignored_region(inside: float, counts: bool) -> None:
    region = Label(rectangle(0, 0, 1000, inside), ignore=True)
    precision = score([SQUARE, ELSEWHERE], [region, Label(ELSEWHERE)])[0]
    assert precision == (0.5 if counts else 1.0)


def test_a_match_inside_an_ignored_region_is_lost() -> None:
    assert score([SQUARE], [Label(SQUARE), Label(rectangle(-5, -5, 15, 15), ignore=True)]) == (0.0, 0.0, 0.0)


def test_outlines_that_cross_themselves_are_left_out() -> None:
    assert score([BOW_TIE, SQUARE], [Label(SQUARE)]) == (1.0, 1.0, 1.0)
    assert score([SQUARE], [Label(BOW_TIE), Label(SQUARE)]) == (1.0, 1.0, 1.0)
    assert score([SQUARE], [Label(BOW_TIE, ignore=True), Label(SQUARE)]) == (1.0, 1.0, 1.0)


def test_polygons_of_any_number_of_corners() -> None:
    bent = np.asarray([[0, 0], [5, 2], [10, 0], [10, 8], [5, 10], [0, 8]], np.float32)
    assert score([bent, ELSEWHERE], [Label(bent), Label(ELSEWHERE)]) == (1.0, 1.0, 1.0)


def test_pages_add_up_and_rank() -> None:
    metric = TextDetMetric()
    pages = [
        ([SQUARE], [Label(SQUARE)]),
        ([SQUARE, ELSEWHERE], [Label(SQUARE)]),
        ([], [Label(SQUARE)]),
        ([], []),
    ]
    values = [
        metric.update(SimpleNamespace(quads=found, scores=np.ones(len(found))), true_sample(labels))
        for found, labels in pages
    ]
    assert values == pytest.approx([1.0, 2 / 3, 0.0, 1.0])
    # 2 matches of 3 found and 3 true boxes
    assert metric.compute() == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "hmean": 2 / 3})


def test_curve_runs_from_the_surest_box_to_all() -> None:
    metric = TextDetMetric()
    found = [SQUARE, ELSEWHERE, rectangle(200, 0, 210, 10)]
    labels = [Label(SQUARE), Label(found[2])]
    metric.update(SimpleNamespace(quads=found, scores=np.asarray([0.9, 0.8, 0.7])), true_sample(labels))
    assert np.allclose(metric.curve(), [(0.5, 1.0), (0.5, 0.5), (1.0, 2 / 3)])
    assert metric.curve()[-1] == (metric.compute()["recall"], metric.compute()["precision"])
    assert TextDetMetric().curve() == []


def test_shortcuts_change_nothing() -> None:
    """Against the rule written out pair by pair, on many boxes that overlap each other."""
    rng = np.random.default_rng(5)
    centres = rng.uniform(0, 120, (60, 1, 2))
    angles = rng.uniform(0, np.pi, (60, 1))
    along = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * rng.uniform(5, 25, (60, 1, 1))
    across = np.stack([-np.sin(angles), np.cos(angles)], axis=-1) * rng.uniform(3, 8, (60, 1, 1))
    true = np.concatenate([centres - along - across, centres + along - across,
                           centres + along + across, centres - along + across], axis=1)  # fmt: skip
    found = true[rng.permutation(60)] + rng.normal(0, 2.5, (60, 1, 2))
    ignored = rng.random(60) < 0.2

    labels = [Label(points, bool(skip)) for points, skip in zip(true, ignored, strict=True)]
    match = match_page(found, np.ones(60), prepare_truths(labels))

    counted = [
        not any(shared_area(true[i], box) > 0.5 * shared_area(box, box) for i in np.flatnonzero(ignored))
        for box in found
    ]
    pairs: list[tuple[int, int]] = []
    for i in np.flatnonzero(~ignored).tolist():
        free = [j for j in range(60) if counted[j] and j not in [pair[1] for pair in pairs]]
        first = next((j for j in free if overlap(true[i], found[j]) > 0.5), None)
        pairs += [] if first is None else [(i, first)]
    assert len(pairs) > 15 and 0 < sum(counted) < 60
    assert match.counted_predictions.tolist() == counted
    assert [tuple(pair) for pair in match.pairs.tolist()] == pairs
