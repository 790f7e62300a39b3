"""Boxes grown many at once are those that pyclipper grows one by one, and what two processors share is found once."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from kit.tiny_detector import Label, rectangle
from plx_train.modules.text_det import boxes, processor
from plx_train.modules.text_det.boxes import Regions, grow_quads, mean_inside, means_inside, order_corners
from plx_train.modules.text_det.calibrate import _counts_by_score
from plx_train.modules.text_det.growth import grown_hulls, grown_rectangles
from plx_train.modules.text_det.metric import IOU_LEVELS, PagePairs, greedy_match, overlapping_pairs, prepare_truths
from plx_train.modules.text_det.processor import TextDetProcessor


def random_quads(count: int, seed: int) -> np.ndarray:
    """Rectangles as they are found around regions: any angle, many of them upright, corners with fractions."""
    rng = np.random.default_rng(seed)
    centres, sides = rng.uniform(-5, 960, (count, 2)), np.exp(rng.uniform(np.log(3), np.log(300), (count, 2)))
    angles = np.where(rng.random(count) < 0.5, rng.uniform(0, 90, count), rng.choice([0, 90, 0.5, 45], count))
    found = [cv2.boxPoints((tuple(c), tuple(s), a)) for c, s, a in zip(centres, sides, angles, strict=True)]
    return order_corners(np.asarray(found, np.float32))


def small_quads(count: int, seed: int) -> np.ndarray:
    """Rectangles of few pixels, around which two others may be equally small."""
    rng = np.random.default_rng(seed)
    centres, sides, angles = (
        rng.uniform(20, 180, (count, 2)),
        rng.integers(6, 24, (count, 2)) / 2,
        rng.integers(0, 91, count),
    )
    found = [cv2.boxPoints((tuple(c), tuple(s), float(a))) for c, s, a in zip(centres, sides, angles, strict=True)]
    return order_corners(np.asarray(found, np.float32))


@pytest.mark.parametrize("quads", [random_quads(3000, 1), small_quads(3000, 2), small_quads(3000, 3)])
@pytest.mark.parametrize("ratio", [0.6, 1.1, 1.5, 2.0])
def test_grown_boxes_are_those_of_pyclipper(quads: np.ndarray, ratio: float, monkeypatch: pytest.MonkeyPatch) -> None:
    regions = Regions(list(quads), np.ones(len(quads)), (960, 800))
    shapes = [(960, 800), (1207, 1020), (1440, 1200), (777, 631)]
    found = [grow_quads(regions, ratio, shape) for shape in shapes]
    monkeypatch.setattr(boxes, "grown_rectangles", lambda quads, *_: [None] * len(quads))
    for (grown, kept), shape in zip(found, shapes, strict=True):
        expected, expected_kept = grow_quads(regions, ratio, shape)
        assert np.array_equal(kept, expected_kept) and len(kept) > 1000
        assert np.array_equal(grown, expected)


def test_few_boxes_are_left_to_pyclipper() -> None:
    quads = random_quads(1000, 1)
    spans = Regions(list(quads), np.ones(len(quads)), (960, 960)).spans
    rectangles = grown_rectangles(quads, spans[:, 0] * 1.5 / spans[:, 1], np.asarray([1.27, 1.31]), 5)
    assert np.mean([found is None for found in rectangles]) < 0.3


def test_quads_that_clipper_has_to_be_asked_for() -> None:
    square = rectangle(10, 10, 40, 40)
    odd = [square[[0, 2, 1, 3]], square[[0, 0, 1, 2]], np.zeros((4, 2), np.float32), rectangle(1, 1, 1.9, 9), square]
    dart = square.copy()
    dart[2] = (15, 15)
    _, is_sound = grown_hulls(np.stack([*odd, dart, square]), np.asarray([9.0] * 4 + [0.9] + [9.0] * 2))
    assert is_sound.tolist() == [False] * 6 + [True]


def test_means_of_many_are_those_of_each() -> None:
    prob_map = np.random.default_rng(0).random((640, 960), np.float32)
    quads = random_quads(300, 3)
    assert means_inside(prob_map, quads).tolist() == [mean_inside(prob_map, quad) for quad in quads]
    assert means_inside(prob_map, quads[:0]).shape == (0,)


def noisy_map() -> np.ndarray:
    noise = np.random.default_rng(0).random((320, 480), np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return (smooth - smooth.mean()) / smooth.std() * np.float32(0.35)


@pytest.mark.parametrize("box_type", ["quad", "poly"])
@pytest.mark.parametrize(
    ("changes", "searches"),
    [({"box_thresh": 0.25}, 1), ({"unclip_ratio": 1.1}, 1), ({"box_thresh": 0.45, "unclip_ratio": 2.0}, 1),
     ({"thresh": 0.4}, 2), ({"max_candidates": 7}, 2)],
)  # fmt: skip
def test_two_processors_find_together_what_each_finds_alone(
    box_type: str, changes: dict[str, float], searches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = TextDetProcessor(box_thresh=0.35, box_type=box_type)
    other, prob_map = replace(base, **changes), noisy_map()
    expected = [each.postprocess(prob_map, (400, 600)) for each in (base, other)]
    assert len(expected[0]) > 10
    count, binarise = [], processor.binarise
    monkeypatch.setattr(processor, "binarise", lambda *given: count.append(1) or binarise(*given))
    for one, two in zip(base.postprocess_with(other, prob_map, (400, 600)), expected, strict=True):
        assert np.array_equal(one.scores, two.scores) and len(one.quads) == len(two.quads)
        assert all(np.array_equal(first, second) for first, second in zip(one.quads, two.quads, strict=True))
    assert len(count) == searches


@pytest.mark.parametrize("shift", [0, 4])
def test_counts_are_those_of_matching_one_by_one(shift: float) -> None:
    labels = [Label(rectangle(20 * i, 0, 20 * i + 18, 10)) for i in range(5)]
    # Moved a little, a true box is there twice, and two predictions may match it.
    labels += [Label(label.points + shift / 4) for label in labels] if shift else []
    found = [label.points + np.float32(0.5 * i) for i, label in enumerate(labels)]
    pairs = overlapping_pairs(found, prepare_truths(labels))
    assert pairs.is_one_to_one == (shift == 0)
    scores, box_threshes = np.linspace(0.3, 0.9, len(found)), (0.3, 0.5, 0.8)
    counts = _counts_by_score(pairs, scores, box_threshes)
    assert counts[..., 0].any()
    for row, box_thresh in enumerate(box_threshes):
        for level, least in enumerate(IOU_LEVELS):
            kept = scores >= box_thresh
            met = kept[pairs.overlaps[:, 1]] & (pairs.ious > least)
            expected = [len(greedy_match(pairs.overlaps[met])), kept.sum(), len(labels)]
            assert counts[row, level].tolist() == expected


def test_no_pairs_are_one_to_one() -> None:
    empty = np.zeros(0, bool)
    assert PagePairs(np.zeros((0, 2), np.int64), np.zeros(0), empty, empty).is_one_to_one
