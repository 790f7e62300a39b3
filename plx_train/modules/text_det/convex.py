"""Areas that convex quads share, many pairs at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.vision.polygons import signed_area

NEARLY = 1e-6
"""Corners this near to another's side, in units of twice an area, but not on it: too near for arithmetic to tell."""


def convex_quads(outlines: Sequence[np.ndarray] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outlines (P, 2) as clockwise quads float64 (N, 4, 2), and bool (N,): false, and zeros, where one is no such."""
    quads = np.zeros((len(outlines), 4, 2))
    is_quad = np.asarray([len(points) == 4 for points in outlines], bool)
    if is_quad.any():
        quads[is_quad] = outlines if is_quad.all() else [outlines[place] for place in np.flatnonzero(is_quad).tolist()]
    quads = np.where((signed_area(quads) < 0)[:, None, None], quads[:, ::-1], quads)
    sides = _following(quads) - quads
    # Four turns the same way are once around.
    is_convex = (_cross(sides, _following(sides)) > NEARLY).all(axis=1)
    return quads, is_quad & is_convex


def shared_areas(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The areas (K,) that pairs of clockwise convex quads (K, 4, 2) share; NaN where they lie too near to tell.

    Half the sum, over those parts of both outlines that lie within the other quad, of start x end (Green's theorem).
    """
    origin = first[:, :1]
    first, second = first - origin, second - origin
    inside_first, inside_second = _depths(second, first), _depths(first, second)
    doubled = _boundary(first, inside_second, None) + _boundary(second, inside_first, first)
    unclear = [((depths != 0) & (np.abs(depths) < NEARLY)).any(axis=(1, 2)) for depths in (inside_first, inside_second)]
    return np.where(unclear[0] | unclear[1], np.nan, np.maximum(doubled / 2, 0))


def _depths(corners: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """How far each of `corners` (K, 4, 2) is on the inner side of each side of `quads` (K, 4, 2), (K, 4, 4)."""
    sides = (_following(quads) - quads)[:, None]
    return _cross(sides, corners[:, :, None] - quads[:, None])


def _boundary(quads: np.ndarray, starts: np.ndarray, other: np.ndarray | None) -> np.ndarray:
    """Sum of start x end over the parts of the outlines of `quads` that are inside the other, (K,).

    Args:
        quads: (K, 4, 2).
        starts: depths of its corners in the other, (K, 4, 4).
        other: given, sides that lie on one of it and run its way are left out: they are the other's to count.
    """
    ends = _following(starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = starts / (starts - ends)
    enters = np.where(starts < 0, np.where(ends < 0, 2.0, crossing), 0.0).max(axis=2)
    leaves = np.where((starts >= 0) & (ends < 0), crossing, 1.0).min(axis=2)
    sides = _following(quads) - quads
    shares = np.maximum(leaves - enters, 0)
    if other is not None:
        along = (sides[:, :, None] * (_following(other) - other)[:, None]).sum(axis=3) > 0
        shares[((starts == 0) & (ends == 0) & along).any(axis=2)] = 0
    return (shares * _cross(quads, sides)).sum(axis=1)


def _following(values: np.ndarray) -> np.ndarray:
    """The corner after each of the corners (K, 4, …)."""
    return np.concatenate([values[:, 1:], values[:, :1]], axis=1)


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
