"""Measures, tests and offsets of polygons."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plx_train.vision.polygons import (
    CLIPPER_SCALE,
    areas_and_perimeters,
    clip_to_strip,
    is_simple,
    offset_polygon,
    offset_quads,
    polygon_area,
    polygon_perimeter,
    signed_area,
    strip_height,
)

SQUARE = np.asarray([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)
BOW_TIE = np.asarray([[0, 0], [10, 10], [10, 0], [0, 10]], np.float32)
ARROW = np.asarray([[0, 0], [10, 5], [0, 10], [4, 5]], np.float32)
STAR = np.asarray([[np.cos(a), np.sin(a)] for a in np.arange(5) * 4 * np.pi / 5])


def test_measures_of_a_square():
    assert signed_area(SQUARE) == 100 and signed_area(SQUARE[::-1]) == -100
    assert polygon_area(SQUARE[::-1]) == 100
    assert polygon_perimeter(SQUARE) == 40


def test_measures_of_mixed_polygons():
    areas, perimeters = areas_and_perimeters([SQUARE, SQUARE[:3], SQUARE * 2])
    assert areas.tolist() == [100, 50, 400]
    assert perimeters == pytest.approx([40, 20 + 200**0.5, 80])
    assert [len(values) for values in areas_and_perimeters([])] == [0, 0]


@pytest.mark.parametrize(("width", "height"), [(100, 10), (10, 100), (7, 7), (3, 0)])
def test_strip_height_is_the_shorter_side_of_a_rectangle(width, height):
    assert strip_height(np.float64(width * height), np.float64(2 * (width + height))) == pytest.approx(
        min(width, height)
    )


def test_simple():
    assert is_simple(np.stack([SQUARE, BOW_TIE, ARROW])).tolist() == [True, False, True]
    assert not is_simple(STAR)
    assert is_simple(SQUARE[[0, 1, 1, 2, 3]])  # a corner twice is no crossing


@pytest.mark.parametrize("points", [SQUARE, SQUARE[::-1], SQUARE[[2, 3, 0, 1]]])
def test_offset_quads_moves_every_side_inwards(points):
    (smaller,), (sound,) = offset_quads(points[None], np.asarray([2.0]))
    assert sound
    assert np.allclose(sorted(smaller.tolist()), [[2, 2], [2, 8], [8, 2], [8, 8]])


def test_offset_quads_hands_over_what_it_cannot_do():
    quads = np.stack([SQUARE, SQUARE, ARROW, BOW_TIE, np.zeros((4, 2), np.float32)])
    _, sound = offset_quads(quads, np.asarray([5.1, 4.9, 1.0, 1.0, 1.0]))
    assert sound.tolist() == [False, True, False, False, False]


CONVEX_QUADS = st.builds(
    lambda length, height, angle, slant: cv2.perspectiveTransform(
        np.asarray([[[0, 0], [length, 0], [length, height], [0, height * slant]]], np.float64),
        np.asarray([[np.cos(angle), -np.sin(angle), 50], [np.sin(angle), np.cos(angle), 50], [0, 0, 1.0]]),
    )[0],
    st.floats(8, 300),
    st.floats(5, 60),
    st.floats(-3.1, 3.1),
    st.floats(0.7, 1.4),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(CONVEX_QUADS, st.floats(0.1, 0.9))
def test_both_ways_of_shrinking_agree(quad, ratio):
    distance = polygon_area(quad) * (1 - ratio**2) / polygon_perimeter(quad)
    smaller, sound = offset_quads(quad[None], distance[None])
    by_clipper = offset_polygon(quad, -float(distance))
    if sound[0]:
        assert len(by_clipper) == 1
        rounding = polygon_perimeter(smaller[0]) / CLIPPER_SCALE
        assert polygon_area(by_clipper[0]) == pytest.approx(polygon_area(smaller[0]), rel=0.01, abs=0.5 + rounding)
        assert np.allclose(by_clipper[0].mean(axis=0), smaller[0].mean(axis=0), atol=1.0) or len(by_clipper[0]) != 4


def test_growing_rounds_the_corners():
    (grown,) = offset_polygon(SQUARE, 2.0)
    assert polygon_area(grown) == pytest.approx(100 + 40 * 2 + np.pi * 4, rel=0.02)


def test_shrinking_to_nothing_and_apart():
    assert offset_polygon(SQUARE, -5.1) == []
    assert offset_polygon(np.zeros((4, 2)), -1.0) == []
    dumb_bell = np.asarray(
        [
            [0, 0],
            [10, 0],
            [10, 4],
            [20, 4],
            [20, 0],
            [30, 0],
            [30, 10],
            [20, 10],
            [20, 6],
            [10, 6],
            [10, 10],
            [0, 10],
        ]
    )
    assert len(offset_polygon(dumb_bell, -1.5)) == 2


def test_clip_to_strip():
    assert polygon_area(clip_to_strip(SQUARE, 0, 2, 5)) == pytest.approx(30)
    assert polygon_area(clip_to_strip(SQUARE, 1, -5, 50)) == pytest.approx(100)
    assert len(clip_to_strip(SQUARE, 0, 20, 30)) == 0
