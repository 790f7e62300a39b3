"""Areas that convex quads share, beside shapely's."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from kit.tiny_detector import Label, rectangle
from plx_train.modules.text_det import metric
from plx_train.modules.text_det.convex import convex_quads, shared_areas
from plx_train.modules.text_det.metric import overlapping_pairs, prepare_truths

SQUARE = rectangle(0, 0, 10, 10)


def random_quads(count: int, seed: int) -> np.ndarray:
    """Convex quads of whole pixels, either way round, many of them upright."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, (count, 4)), axis=1)
    found = np.stack([np.cos(angles), np.sin(angles)], axis=2) * rng.uniform(5, 40, (count, 1, 1)) + 50
    low, side = rng.uniform(20, 60, (count // 2, 2)), rng.uniform(2, 40, (count // 2, 2))
    found[: count // 2] = [rectangle(*corner, *(corner + size)) for corner, size in zip(low, side, strict=True)]
    found = np.rint(found)
    return np.where(rng.random((count, 1, 1)) < 0.5, found, found[:, ::-1])


def test_areas_are_those_of_shapely() -> None:
    (first, is_first), (second, is_second) = (convex_quads(random_quads(4000, seed)) for seed in (1, 2))
    both = is_first & is_second
    assert both.mean() > 0.5
    shared = shared_areas(first[both], second[both])
    expected = shapely.area(shapely.intersection(shapely.polygons(first[both]), shapely.polygons(second[both])))
    assert np.allclose(shared, expected, rtol=1e-12, atol=1e-9) and (expected == 0).any() and (expected > 0).any()


@pytest.mark.parametrize(
    ("other", "area"),
    [
        (SQUARE, 100),
        (SQUARE[[1, 2, 3, 0]], 100),
        (SQUARE[::-1], 100),
        (rectangle(0, 0, 10, 5), 50),  # three sides on sides of the square
        (rectangle(10, 0, 20, 10), 0),  # a side on a side, from outside
        (rectangle(10, 10, 20, 20), 0),  # a corner on a corner
        (rectangle(2, 2, 5, 5), 9),
        (rectangle(-5, -5, 15, 15), 100),
        (np.asarray([[5, -5], [15, 5], [5, 15], [-5, 5]]), 100),  # its sides through the square's corners
        (np.asarray([[5, 0], [10, 5], [5, 10], [0, 5]]), 50),
    ],
)
def test_sides_that_touch(other: np.ndarray, area: float) -> None:
    quads, is_convex = convex_quads([SQUARE, other])
    assert is_convex.all()
    assert shared_areas(quads[:1], quads[1:]) == pytest.approx(area)
    assert shared_areas(quads[1:], quads[:1]) == pytest.approx(area)


def test_outlines_that_are_no_convex_quads() -> None:
    dart = SQUARE.copy()
    dart[2] = (2, 2)
    outlines = [SQUARE, SQUARE[:3], dart, SQUARE[[0, 2, 1, 3]], np.zeros((4, 2)), SQUARE[::-1]]
    assert convex_quads(outlines)[1].tolist() == [True, False, False, False, False, True]
    assert convex_quads([])[0].shape == (0, 4, 2)


def test_a_corner_too_near_to_tell() -> None:
    near = SQUARE.astype(np.float64)
    near[2] += 1e-9
    quads, _ = convex_quads([SQUARE, near])
    assert np.isnan(shared_areas(quads[:1], quads[1:])).all()


def test_pairs_are_those_that_shapely_alone_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = [Label(quad, index % 7 == 0) for index, quad in enumerate(random_quads(60, 3))]
    labels.append(Label(np.asarray([[20, 20], [60, 20], [60, 50], [40, 30], [20, 50]], np.float32)))
    found = [*random_quads(80, 4), *(label.points + 1 for label in labels), labels[5].points]
    pairs = overlapping_pairs(found, prepare_truths(labels))
    monkeypatch.setattr(metric, "shared_areas", lambda first, second: np.full(len(first), np.nan))
    expected = overlapping_pairs(found, prepare_truths(labels))
    assert len(pairs.overlaps) > 10 and not pairs.counted_predictions.all()
    assert np.array_equal(pairs.overlaps, expected.overlaps)
    assert np.array_equal(pairs.counted_predictions, expected.counted_predictions)
    assert np.allclose(pairs.ious, expected.ious, rtol=1e-12)
