"""Noisy copies of the truth: how many, how far off, and who sees whom."""

from __future__ import annotations

import numpy as np

from plx_train.nn.detection.denoising import NUM_COPIES, Denoising, make_noisy
from plx_train.nn.detection.overlap import corners

BOXES = np.asarray([[0.3, 0.3, 0.5, 0.4], [0.4, 0.5, 0.6, 0.7]], np.float32)
TRUTHS = [(BOXES, np.asarray([2, 0])), (BOXES[:1], np.asarray([1])), (BOXES[:0], np.zeros(0, np.int64))]
NUM_CLASSES = 40


def noisy() -> Denoising:
    made = make_noisy(TRUTHS, NUM_CLASSES, np.random.default_rng(0))
    assert made is not None
    return made


def test_images_without_boxes_have_none() -> None:
    assert make_noisy(TRUTHS[2:], NUM_CLASSES, np.random.default_rng(0)) is None
    assert make_noisy([], NUM_CLASSES, np.random.default_rng(0)) is None


def test_every_image_has_as_many_queries_and_right_copies_of_its_own_boxes() -> None:
    made = noisy()
    assert made.count == NUM_COPIES // 2 and made.group == 4 and made.size == 200
    assert made.classes.shape == (3, 200) and made.boxes.shape == (3, 200, 4)
    assert [len(places) for places in made.places] == [100, 50, 0]
    assert made.places[0][:4].tolist() == [0, 1, 4, 5] and made.truths[0][:4].tolist() == [0, 1, 0, 1]
    # What an image lacks is of no class, and neither are copies that stand for nothing.
    assert (made.classes[2] == NUM_CLASSES).all() and (made.classes[1, 1::2] == NUM_CLASSES).all()


def test_right_copies_are_near_and_wrong_ones_are_not() -> None:
    made = noisy()
    shares = corners(1 / (1 + np.exp(-made.boxes[0].astype(np.float64))))
    is_right = np.isin(np.arange(made.size), made.places[0])
    for number, box in enumerate(BOXES):
        own = np.arange(made.size) % 2 == number
        sides = np.tile(box[2:] - box[:2], 2)
        moved = np.abs(shares - box) / sides
        assert moved[own & is_right].max() <= 0.5 + 1e-3
    # Edges of wrong copies move by half of a side at least; one that would cross its other edge ends at no width.
    wide = (shares[:, 2:] - shares[:, :2]).min(axis=1) > 1e-3
    moved = np.abs(shares - np.tile(BOXES, (100, 1))) / np.tile(BOXES[:, 2:] - BOXES[:, :2], (100, 2))
    assert moved[~is_right & wide].min() >= 0.5 - 1e-3


def test_a_quarter_of_the_classes_is_drawn_anew() -> None:
    classes = noisy().classes[0]
    changed = classes != np.tile([2, 0], 100)
    assert 0.15 < changed.mean() < 0.35 and classes.max() < NUM_CLASSES


def test_groups_see_themselves_and_those_that_search_see_no_answer() -> None:
    made = noisy()
    hidden = made.hidden(5)
    assert hidden.shape == (205, 205)
    assert not hidden[:4, :4].any() and hidden[:4, 4:200].all() and not hidden[:4, 200:].any()
    assert hidden[200:, :200].all() and not hidden[200:, 200:].any()
