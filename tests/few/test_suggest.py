"""What to label next: typical images of every kind while labels are few, doubtful ones unlike each other after that."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.few.doubtful import doubtful_and_new
from plx_train.few.suggest import DOUBTFUL, NEW, TYPICAL, Known, margin_doubt, suggest
from plx_train.few.typical import typical_first
from plx_train.few.worth import in_order_of_worth

CENTRES = np.asarray([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
SIZES = (30, 20, 10)


def blobs() -> np.ndarray:
    """Three blobs of 30, 20 and 10 points in this order, their first point in the middle, and a point far from all."""
    rng = np.random.default_rng(0)
    parts = [centre + rng.uniform(-1, 1, (size, 2)) for centre, size in zip(CENTRES, SIZES, strict=True)]
    for centre, part in zip(CENTRES, parts, strict=True):
        part[0] = centre
    return np.concatenate([*parts, [[50.0, 50.0]]])


def blob_of(place: int) -> int:
    return int(np.searchsorted(np.cumsum(SIZES), place, side="right"))


def test_one_near_the_middle_of_each_kind_is_typical_and_odd_ones_are_not() -> None:
    points = blobs()
    found, _ = typical_first(points, 0, 4, 0)
    assert sorted(blob_of(place) for place in found[:3]) == [0, 1, 2] and len(points) - 1 not in found
    for place in found[:3]:
        assert np.linalg.norm(points[place] - CENTRES[blob_of(place)]) < 0.7


def test_kinds_that_hold_a_label_wait() -> None:
    points = blobs()[:-1]
    order = np.asarray([5, *np.delete(np.arange(len(points)), 5)])  # a labelled point of the largest blob
    found, groups = typical_first(points[order], 1, 2, 0)
    assert {blob_of(int(order[place])) for place in found} == {1, 2}
    assert len(groups) == len(points) and 0 not in found


def test_there_are_no_more_suggestions_than_samples_and_equal_ones_are_no_trouble() -> None:
    same = np.ones((6, 3))
    assert sorted(typical_first(same, 2, 50, 0)[0]) == [2, 3, 4, 5]
    assert sorted(doubtful_and_new(same, 2, 50, [0.5] * 4, 0)[0]) == [2, 3, 4, 5]
    assert sorted(doubtful_and_new(same, 2, 50, None, 0)[0]) == [2, 3, 4, 5]


def test_doubtful_ones_are_of_several_kinds_and_sure_ones_are_left() -> None:
    points = blobs()[:-1]
    doubts = [0.05] * 30 + [0.9] * 20 + [0.8] * 10
    found, _ = doubtful_and_new(points, 0, 3, doubts, 0)
    assert {blob_of(place) for place in found} == {1, 2}


def test_without_doubts_what_is_far_from_labels_is_taken() -> None:
    points = blobs()[:-1]
    order = np.asarray([*range(30), *range(30, 60)])  # the first blob is labelled
    found, _ = doubtful_and_new(points[order], 30, 2, None, 0)
    assert {blob_of(place) for place in found} == {1, 2}


def test_the_order_of_worth_begins_with_what_stands_for_most() -> None:
    points = blobs()[:-1]
    assert in_order_of_worth(points, [50, 30, 0], 0, 0) == [0, 30, 50]
    # A label in the largest blob: what it stands for is known.
    labelled = np.concatenate([[[0.1, 0.1]], points])
    assert in_order_of_worth(labelled, [51, 31, 1], 1, 0) == [31, 51, 1]
    weights = np.asarray([0.0] * 30 + [0.1] * 20 + [1.0] * 10)
    assert in_order_of_worth(points, [0, 30, 50], 0, 0, weights)[0] == 50


@pytest.mark.parametrize(
    ("known", "doubts", "way", "words"),
    [
        (Known(6, 2.0), [0.5] * 54, TYPICAL, "because there are 2 labels a class (up to 5 are few)"),
        (Known(6, 6.0), [0.5] * 54, DOUBTFUL, "because there are 6 labels a class"),
        (Known(6, 6.0), None, NEW, "and nobody was asked"),
        (Known(1, None), [0.5] * 59, TYPICAL, "because there are 1 labelled image (up to 50 are few)"),
    ],
)
def test_labels_by_class_decide_and_the_reason_says_it(
    known: Known, doubts: list[float] | None, way: str, words: str
) -> None:
    points = blobs()[:-1]
    found = suggest(points, known, 4, doubts, 0, "nobody was asked")
    assert found.way == way and words in found.reason
    assert len(set(found.places)) == len(found.sizes) == 4
    assert all(0 <= place < len(points) - known.number for place in found.places)
    assert suggest(points, known, 4, doubts, 0, "nobody was asked") == found


def test_a_model_doubts_where_two_classes_are_as_likely() -> None:
    assert margin_doubt(np.asarray([0.1, 0.5, 0.4])) == pytest.approx(0.9)
    assert margin_doubt(np.asarray([1.0, 0.0])) == 0.0
    assert margin_doubt(np.asarray([1.0])) == 0.0
