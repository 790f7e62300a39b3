"""Rectangles grown with round corners, many at once, by the arithmetic of the Clipper library.

PaddleX grows boxes with pyclipper, one by one, and then takes the smallest rectangle around the result. Of a convex
quad the result's hull is that of the arcs around its corners: these are made here step for step as Clipper 6.4 makes
them, roundings included, and what joins them is left out. OpenCV tries an upright rectangle first or last, as the
hull's first point lies: where that could decide between two equally small ones, or in rounding, Clipper is asked.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

ARC_TOLERANCE = 0.25
"""Clipper's own: how far an arc's points may stay from it, in pixels."""
MARGIN = 1e-6
"""Corners this near to where Clipper goes another way are left to it."""
CLEAR_GAIN = 1.001
"""How much larger than the smallest rectangle the upright one must be, for it to be no rival."""
NOISE = 5e-3
"""More than an upright rectangle's corners may differ by, in pixels, with the order in which rectangles are tried."""


def grown_rectangles(quads: np.ndarray, distances: np.ndarray, scale: np.ndarray, least_side: int) -> list[Any]:
    """The smallest rectangles around grown quads, as from ``cv2.minAreaRect``; None where Clipper has to be asked.

    Args:
        quads, distances: as for `grown_hulls`.
        scale: what x and y are multiplied by before they are rounded, float64 (2,).
        least_side: of a rectangle that is kept, pixels.
    """
    hulls, is_sound = grown_hulls(quads, distances)
    if not is_sound.any():
        return [None] * len(quads)
    low, high = hulls.min(axis=1), hulls.max(axis=1)
    whole = np.trunc(quads)
    is_upright = (whole == np.roll(whole, -1, axis=1)).any(axis=2).all(axis=1)
    is_upright &= (_from_half(low * scale) > NOISE) & (_from_half(high * scale) > NOISE)
    is_upright &= (high - low).min(axis=1) != least_side
    upright_areas = (high - low).prod(axis=1)
    found: list[Any] = [None] * len(quads)
    for index in np.flatnonzero(is_sound).tolist():
        rectangle = cv2.minAreaRect(hulls[index])
        _, (width, height), angle = rectangle
        if is_upright[index] if angle % 90 == 0 else upright_areas[index] > CLEAR_GAIN * width * height:
            found[index] = rectangle
    return found


def _from_half(values: np.ndarray) -> np.ndarray:
    """How far the nearest of each row of `values` (N, 2) is from where rounding turns, (N,)."""
    return np.abs(values % 1 - 0.5).min(axis=1)


def grown_hulls(quads: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points on the outlines of quads grown by `distances`.

    Args:
        quads: float32 (N, 4, 2); their fractions are cut off first, as pyclipper does.
        distances: float64 (N,) pixels.

    Returns:
        int32 (N, M, 2) with the convex hulls of the grown quads, some points more than once; and bool (N,), false
        where a quad is not convex or hardly grown and Clipper has to be asked.
    """
    corners = np.trunc(quads).astype(np.float64)
    following = np.roll(corners, -1, axis=1)
    doubled = (corners[..., 0] * following[..., 1] - following[..., 0] * corners[..., 1]).sum(axis=1)
    corners = np.where((doubled < 0)[:, None, None], corners[:, ::-1], corners)
    after = _normals(corners)
    before = np.roll(after, 1, axis=1)
    sine = before[..., 0] * after[..., 1] - after[..., 0] * before[..., 1]
    with np.errstate(invalid="ignore"):
        is_sound = ((sine > 0) & (sine * distances[:, None] > 1 + MARGIN)).all(axis=1) & (doubled != 0)
    grown = np.zeros((len(quads), 0, 2), np.int32)
    if is_sound.any():
        arcs = _arcs(corners[is_sound], before[is_sound], after[is_sound], sine[is_sound], distances[is_sound])
        grown = np.zeros((len(quads), *arcs.shape[1:]), np.int32)
        grown[is_sound] = arcs
    return grown, is_sound


def _normals(corners: np.ndarray) -> np.ndarray:
    """Unit normals of the sides that begin at each corner, (N, 4, 2)."""
    sides = np.roll(corners, -1, axis=1) - corners
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = 1.0 / np.sqrt(sides[..., 0] * sides[..., 0] + sides[..., 1] * sides[..., 1])
        return np.stack([sides[..., 1] * factor, -(sides[..., 0] * factor)], axis=2)


def _arcs(
    corners: np.ndarray, before: np.ndarray, after: np.ndarray, sine: np.ndarray, distances: np.ndarray
) -> np.ndarray:
    """Points of the arcs around the corners (N, 4, 2), from the normals `before` to those `after`, int32 (N, M, 2)."""
    reach = distances[:, None, None]
    per_turn = np.minimum(np.pi / np.arccos(1 - ARC_TOLERANCE / distances), distances * np.pi)
    step_sine, step_cosine = (turn(2 * np.pi / per_turn)[:, None] for turn in (np.sin, np.cos))
    cosine = before[..., 0] * after[..., 0] + before[..., 1] * after[..., 1]
    angle = np.abs(np.arctan2(np.minimum(sine, 1.0), cosine))
    steps = np.maximum(np.floor(per_turn[:, None] / (2 * np.pi) * angle + 0.5), 1)
    points = np.empty((len(corners), int(steps.max()) + 1, 4, 2))
    points[:, -1] = corners + after * reach
    x, y = before[..., 0], before[..., 1]
    for step in range(points.shape[1] - 1):
        turned = corners + np.stack([x, y], axis=2) * reach
        points[:, step] = np.where((step < steps)[..., None], turned, points[:, -1])
        x, y = x * step_cosine - step_sine * y, x * step_sine + y * step_cosine
    # Halves away from zero.
    return np.trunc(points + np.copysign(0.5, points)).astype(np.int32).reshape(len(corners), -1, 2)
