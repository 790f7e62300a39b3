"""Boxes found tile by tile as those of the whole image.

What two tiles see is found twice, and what a tile's inner edge cuts is found as a part. Of boxes that are one object's
the surest that no edge cuts is kept; parts of an object that no tile sees whole become one box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from plx_train.vision.tiles import Tiling

Pairs = list[tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Numbers of the rows of each two tiles that have pixels in common, and the area that rows have in common, (K, L)."""

SAME = 0.5
"""Intersection over union from which on boxes of two tiles are one object's."""
PART = 0.6
"""Share of a cut box that lies in one of which it is a part, and overlap across a seam of parts to be joined."""
EDGE = 0.02
"""Share of a tile's side within which a box that ends there is cut."""
TINY = 1e-9
OPPOSITE = [2, 3, 0, 1]
"""Numbers of the sides that left, top, right and bottom face."""


def merge_tiles(rows: np.ndarray, tiling: Tiling, shape: tuple[int, int]) -> np.ndarray:
    """Rows class, score, x1, y1, x2, y2 in pixels of the image, float32 (K, 6).

    Args:
        rows: tile, class, score, x1, y1, x2, y2 in pixels of the tile, float32 (M, 7).
        shape: height and width of the image.
    """
    corners = tiling.corners(shape)
    tile = rows[:, 0].astype(np.int64)
    found = rows[:, 1:].copy()
    if len(corners) == 1:
        return found
    cut = _cut_edges(found[:, 2:], corners[tile], tiling, shape)
    found[:, 2:] += np.tile(corners[tile], 2)
    near = _neighbours(corners, tiling)
    kept = _kept(found, cut, _pairs(found, tile, near))
    return _joined(found[kept], cut[kept], tile[kept], near)


def _cut_edges(boxes: np.ndarray, corners: np.ndarray, tiling: Tiling, shape: tuple[int, int]) -> np.ndarray:
    """Which sides (left, top, right, bottom) of boxes in tiles lie on an inner edge, bool (M, 4)."""
    size = np.asarray(tiling.size)
    near = EDGE * size
    first = (boxes[:, :2] < near) & (corners > 0)
    last = (boxes[:, 2:] > size - near) & (corners + size < np.asarray(shape[::-1]))
    return np.concatenate([first, last], axis=1)


def _neighbours(corners: np.ndarray, tiling: Tiling) -> list[np.ndarray]:
    """Numbers of the tiles that have pixels in common with each tile, itself apart, int64."""
    size, found = np.asarray(tiling.size), []
    for number, corner in enumerate(corners):
        near = np.flatnonzero((np.abs(corners - corner) < size).all(axis=1))
        found.append(near[near != number])
    return found


def _by_tile(tile: np.ndarray, count: int) -> list[np.ndarray]:
    """Numbers of each tile's rows."""
    order = np.argsort(tile, kind="stable")
    return np.split(order, np.searchsorted(tile[order], np.arange(1, count)))


def _pairs(found: np.ndarray, tile: np.ndarray, near: Sequence[np.ndarray]) -> Pairs:
    """What may be one object; rows of different classes have no area in common."""
    rows = _by_tile(tile, len(near))
    pairs: Pairs = []
    for one, others in enumerate(near):
        for other in others[others > one].tolist():
            first, second = rows[one], rows[other]
            low = np.maximum(found[first, None, 2:4], found[None, second, 2:4])
            high = np.minimum(found[first, None, 4:], found[None, second, 4:])
            common = np.prod(np.maximum(high - low, 0), axis=2) * (found[first, None, 0] == found[None, second, 0])
            pairs.append((first, second, common))
    return pairs


def _kept(found: np.ndarray, cut: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Numbers of the rows that no better one of another tile covers: whole ones first, then by their scores."""
    is_cut = np.asarray(cut.any(axis=1))
    area = np.maximum(np.prod(found[:, 4:] - found[:, 2:4], axis=1), TINY)
    covered: dict[int, list[int]] = defaultdict(list)
    for first, second, common in pairs:
        for better, others, shared in ((first, second, common), (second, first, common.T)):
            same = shared >= SAME * (area[better][:, None] + area[others][None] - shared)
            is_part = is_cut[others][None] & (shared >= PART * area[others][None])
            # Both sides of a seam may be parts of one object: they are joined.
            faces = (cut[better][:, None] & cut[others][None][:, :, OPPOSITE]).any(axis=2)
            for one, other in np.argwhere((same | is_part) & ~faces).tolist():
                covered[int(better[one])].append(int(others[other]))
    left = np.ones(len(found), bool)
    kept = []
    for place in np.lexsort((-found[:, 1], is_cut)).tolist():
        if left[place]:
            kept.append(place)
            left[covered[place]] = False
    return np.asarray(kept, np.int64)


def _joined(found: np.ndarray, cut: np.ndarray, tile: np.ndarray, near: Sequence[np.ndarray]) -> np.ndarray:
    """The rows with those as one that are parts of an object on both sides of a seam; the surest part's score holds."""
    found, cut = found.copy(), cut.copy()
    left, places = np.ones(len(found), bool), np.flatnonzero(cut.any(axis=1))
    rows = [places[own] for own in _by_tile(tile[places], len(near))]
    for place in places.tolist():
        tiles = {int(tile[place])}
        while left[place]:
            around = set().union(*(near[number].tolist() for number in tiles)) - {int(tile[place])}
            others = np.concatenate([rows[number] for number in sorted(around)])
            is_open = left[others] & cut[others].any(axis=1) & (found[others, 0] == found[place, 0])
            others = others[is_open]
            parts = others[_go_on(found[place, 2:], cut[place], found[others, 2:], cut[others])]
            if not len(parts):
                break
            one = np.append(parts, place)
            low, high = found[one, 2:4], found[one, 4:]
            outer = np.concatenate([low.argmin(axis=0), high.argmax(axis=0)])
            cut[place] = cut[one[outer], np.arange(4)]
            found[place, 1] = found[one, 1].max()
            found[place, 2:4], found[place, 4:] = low.min(axis=0), high.max(axis=0)
            left[parts] = False
            left[others[_lie_in(found[place, 2:], found[others, 2:])]] = False
            tiles |= set(tile[parts].tolist())
    return found[left]


def _go_on(box: np.ndarray, cut: np.ndarray, others: np.ndarray, others_cut: np.ndarray) -> np.ndarray:
    """Which boxes go on where `box` is cut, bool (M,): cut on the facing side, met by it, and nearly as far across."""
    common = np.maximum(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0)
    extent = np.maximum(box[2:], others[:, 2:]) - np.minimum(box[:2], others[:, :2])
    agrees = common >= PART * np.maximum(extent, TINY)
    faces = [cut[side] & others_cut[:, OPPOSITE[side]] & agrees[:, 1 - side % 2] for side in range(4)]
    return (common > 0).all(axis=1) & np.any(faces, axis=0)


def _lie_in(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which boxes are parts of `box`, bool (M,)."""
    common = np.maximum(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0)
    area = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(np.prod(common, axis=1) >= PART * np.maximum(area, TINY))
