"""Polygons in pixels: measures, tests and offsets.

A polygon is an array (P, 2) of x, y; leading axes, where a function takes them, hold several polygons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyclipper

CLIPPER_SCALE = 256
"""pyclipper counts in whole numbers: polygons go there in steps of 1/256 pixel."""
ARC_TOLERANCE = 0.25
"""How far, in pixels, the corners of a grown polygon may stay from true arcs."""


def signed_area(points: np.ndarray) -> np.ndarray:
    """Area of polygons (…, P, 2) in square pixels, positive for those clockwise on the screen (y down)."""
    starts = points.astype(np.float64)
    ends = _following(starts)
    return 0.5 * (starts[..., 0] * ends[..., 1] - ends[..., 0] * starts[..., 1]).sum(axis=-1)


def polygon_area(points: np.ndarray) -> np.ndarray:
    """Area of polygons (…, P, 2) in square pixels, never negative."""
    return np.abs(signed_area(points))


def polygon_perimeter(points: np.ndarray) -> np.ndarray:
    """Perimeter of polygons (…, P, 2) in pixels."""
    edges = (_following(points) - points).astype(np.float64)
    return np.sqrt((edges**2).sum(axis=-1)).sum(axis=-1)


def strip_height(area: np.ndarray, perimeter: np.ndarray) -> np.ndarray:
    """The shorter side of the rectangle of this area and perimeter: a strip's thickness, bent or straight."""
    root = np.sqrt(np.maximum(perimeter**2 - 16 * area, 0))
    return (perimeter - root) / 4


def is_simple(points: np.ndarray) -> np.ndarray:
    """Whether no two sides of polygons (…, P, 2) cross, bool (…); sides that merely touch do not."""
    count = points.shape[-2]
    first, second = np.triu_indices(count, 2)
    apart = ~((first == 0) & (second == count - 1))
    first, second = first[apart], second[apart]
    ends = _following(points)
    a, b, c, d = points[..., first, :], ends[..., first, :], points[..., second, :], ends[..., second, :]
    crosses = (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)
    return np.logical_not(crosses.any(axis=-1))


def by_corners(polygons: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Polygons (P, 2) of any P, stacked by their number of corners: indices (n,) and polygons (n, P, 2)."""
    counts = np.asarray([len(polygon) for polygon in polygons], np.int64)
    for count in np.unique(counts):
        indices = np.flatnonzero(counts == count)
        yield indices, np.stack([polygons[index] for index in indices.tolist()])


def areas_and_perimeters(polygons: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Areas and perimeters of polygons (P, 2) of any P each, in square pixels and pixels, float64 (N,) each."""
    areas, perimeters = np.zeros(len(polygons)), np.zeros(len(polygons))
    for indices, stacked in by_corners(polygons):
        areas[indices], perimeters[indices] = polygon_area(stacked), polygon_perimeter(stacked)
    return areas, perimeters


def offset_quads(quads: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convex quads moved inwards side by side, corners staying sharp.

    Args:
        quads: float (N, 4, 2), either direction.
        distances: float (N,) pixels inwards, not negative.

    Returns:
        the smaller quads float64 (N, 4, 2), and bool (N,): false where a quad is not convex or lost a side,
        where `offset_polygon` has to be asked.
    """
    quads = quads.astype(np.float64)
    edges = _following(quads) - quads
    lengths = np.sqrt((edges**2).sum(axis=2, keepdims=True))
    direction = np.where(signed_area(quads) >= 0, 1.0, -1.0)[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        units = edges / lengths
        inward = direction * np.stack([-units[..., 1], units[..., 0]], axis=2)
        before = np.roll(inward, 1, axis=1)
        # A corner moves by d·(n₁ + n₂) / (1 + n₁·n₂), which is d away from both of its sides.
        bisector = (before + inward) / (1 + (before * inward).sum(axis=2, keepdims=True))
        moved = quads + distances[:, None, None] * bisector
        new_edges = _following(moved) - moved
        keeps_sides = ((new_edges * edges).sum(axis=2) > 0).all(axis=1)
    units_after = _following(units)
    turns = direction[..., 0] * (units[..., 0] * units_after[..., 1] - units[..., 1] * units_after[..., 0])
    return moved, keeps_sides & (turns > 0).all(axis=1)


def offset_polygon(points: np.ndarray, distance: float) -> list[np.ndarray]:
    """A polygon (P, 2) grown by `distance` pixels with round corners, or shrunk where it is negative.

    Returns:
        float64 (Q, 2) each: none where it vanishes, several where it falls apart.
    """
    offset = pyclipper.PyclipperOffset(2.0, ARC_TOLERANCE * CLIPPER_SCALE)
    path = np.rint(np.asarray(points, np.float64) * CLIPPER_SCALE).astype(np.int64)
    try:
        offset.AddPath(path.tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    except pyclipper.ClipperException:  # all corners are one point
        return []
    paths = offset.Execute(distance * CLIPPER_SCALE)
    return [np.asarray(path, np.float64) / CLIPPER_SCALE for path in paths]


def clip_to_strip(points: np.ndarray, axis: int, low: float, high: float) -> np.ndarray:
    """The part of a convex polygon (P, 2) between `low` and `high` on an axis, float64 (Q, 2); Q may be 0."""
    corners = points.tolist()
    for bound, sign in ((low, 1.0), (high, -1.0)):
        depths = [sign * (corner[axis] - bound) for corner in corners]
        kept = []
        for index, (x, y) in enumerate(corners):
            following = (index + 1) % len(corners)
            if depths[index] >= 0:
                kept.append((x, y))
            if depths[index] * depths[following] < 0:
                share = depths[index] / (depths[index] - depths[following])
                kept.append((x + share * (corners[following][0] - x), y + share * (corners[following][1] - y)))
        corners = kept
    return np.asarray(corners, np.float64).reshape(-1, 2)


def _following(points: np.ndarray) -> np.ndarray:
    """Each polygon's corners (…, P, 2), beginning with the second; much quicker than ``np.roll``."""
    return np.concatenate([points[..., 1:, :], points[..., :1, :]], axis=-2)


def _side(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Sign: on which side of the line start→end a point lies, all (…, 2)."""
    along, away = end - start, point - start
    return along[..., 0] * away[..., 1] - along[..., 1] * away[..., 0]
