"""Training targets of differentiable binarisation: where the text kernels are, how near the outlines.

Source: Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", arXiv 1911.08947. A
text polygon of area A and perimeter L is shrunk by d = A (1 - r²) / L; the shrunk polygon is the kernel the
network learns to find, and the threshold map is highest on the outline and falls to its floor d pixels away
on both sides. The recipe of PP-OCRv4 lets the ratio r rise from 0.4 to 0.6 over its epochs: the published
weights end at 0.6.

Kernels are drawn with their corners rounded to the nearest pixel, border pixels included: post-processing
measures a region from its first to its last pixel, so both ends agree, and one unclip ratio serves text of
every size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.vision.masks import fill_polygons
from plx_train.vision.polygons import areas_and_perimeters, offset_polygon, offset_quads, strip_height

THRESHOLD_MIN = 0.3
THRESHOLD_MAX = 0.7


@dataclass(frozen=True)
class TextDetTargets:
    """How targets are made.

    Attributes:
        shrink_ratio: r of the kernels, between 0 and 1.
        min_text_size: text thinner than this, in pixels of the crop, is masked instead of learned.
        with_threshold: whether the threshold map is made as well.
    """

    shrink_ratio: float = 0.6
    min_text_size: float = 6
    with_threshold: bool = False

    def make(self, polygons: Sequence[np.ndarray], ignore: np.ndarray, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """The maps of one crop.

        Args:
            polygons: float (P, 2) each, pixels of the crop; what lies outside it is cut off.
            ignore: bool (N,), masked polygons.
            size: height and width.

        Returns:
            ``shrink_map`` and ``shrink_mask`` uint8 (height, width), 0 or 1, and with the threshold branch
            ``threshold_map`` float16, 0.3 to 0.7, and ``threshold_mask`` uint8; masks are 1 where maps count.
        """
        area, perimeter = areas_and_perimeters(polygons)
        learned = ~np.asarray(ignore, bool) & (strip_height(area, perimeter) >= self.min_text_size)
        kernels = self._kernels(polygons, area, perimeter, learned)
        learned &= np.asarray([len(paths) > 0 for paths in kernels], bool)
        shrink_map, shrink_mask = np.zeros(size, np.uint8), np.ones(size, np.uint8)
        fill_polygons(shrink_map, [path for paths in kernels for path in paths], 1)
        fill_polygons(shrink_mask, [polygons[index] for index in np.flatnonzero(~learned).tolist()], 0)
        maps = {"shrink_map": shrink_map, "shrink_mask": shrink_mask}
        if self.with_threshold:
            distances = area * (1 - self.shrink_ratio**2) / np.maximum(perimeter, 1e-6)
            maps |= threshold_maps([polygons[i] for i in np.flatnonzero(learned).tolist()], distances[learned], size)
        return maps

    def _kernels(
        self, polygons: Sequence[np.ndarray], area: np.ndarray, perimeter: np.ndarray, learned: np.ndarray
    ) -> list[list[np.ndarray]]:
        """The shrunk polygons, none where a polygon is not learned or vanishes at every ratio."""
        kernels: list[list[np.ndarray]] = [[] for _ in polygons]
        chosen = np.flatnonzero(learned).tolist()
        quads = [index for index in chosen if len(polygons[index]) == 4]
        if quads:
            distances = area[quads] * (1 - self.shrink_ratio**2) / perimeter[quads]
            shrunk, is_sound = offset_quads(np.stack([polygons[index] for index in quads]), distances)
            for index, kernel, sound in zip(quads, shrunk, is_sound.tolist(), strict=True):
                kernels[index] = [kernel] if sound else []
        for index in chosen:
            if not kernels[index]:
                kernels[index] = self._shrink(polygons[index], float(area[index] / perimeter[index]))
        return kernels

    def _shrink(self, polygon: np.ndarray, area_by_perimeter: float) -> list[np.ndarray]:
        """`polygon` shrunk by the ratio, or by larger ones until one whole piece is left."""
        paths: list[np.ndarray] = []
        for ratio in (*np.arange(self.shrink_ratio, 1, self.shrink_ratio), 1.0):
            paths = offset_polygon(polygon, -area_by_perimeter * (1 - ratio**2))
            if len(paths) == 1:
                break
        return paths


def threshold_maps(
    polygons: Sequence[np.ndarray], distances: np.ndarray, size: tuple[int, int]
) -> dict[str, np.ndarray]:
    """How near each pixel is to the outline of the nearest polygon.

    Args:
        polygons: float (P, 2) each.
        distances: float (N,), pixels from the outline within which each polygon counts.
        size: height and width.

    Returns:
        ``threshold_map`` float16 (height, width) and ``threshold_mask`` uint8: 1 inside the grown polygons.
    """
    nearness = np.zeros(size, np.float32)
    mask = np.zeros(size, np.uint8)
    fill_polygons(mask, polygons, 1)
    lows, highs = _windows(polygons, distances, size)
    for index in np.flatnonzero((distances > 0) & (lows < highs).all(axis=1)).tolist():
        low, high = lows[index], highs[index]
        window = nearness[low[1] : high[1], low[0] : high[0]]
        near = outline_distance(polygons[index], low, high)
        near /= np.float32(distances[index])
        np.subtract(1, near, out=near)
        np.maximum(window, near, out=window)
        mask[low[1] : high[1], low[0] : high[0]] |= near > 0
    threshold = nearness * np.float32(THRESHOLD_MAX - THRESHOLD_MIN) + np.float32(THRESHOLD_MIN)
    return {"threshold_map": threshold.astype(np.float16), "threshold_mask": mask}


def _windows(
    polygons: Sequence[np.ndarray], distances: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """First and past the last x, y of the pixels within `distances` (N,) of polygons, int64 (N, 2) each."""
    if not polygons:
        return np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)
    starts = np.cumsum([0, *(len(polygon) for polygon in polygons[:-1])])
    points = np.concatenate(polygons)
    lows = np.floor(np.minimum.reduceat(points, starts) - distances[:, None])
    highs = np.ceil(np.maximum.reduceat(points, starts) + distances[:, None]) + 1
    return np.maximum(lows, 0).astype(np.int64), np.minimum(highs, size[::-1]).astype(np.int64)


def outline_distance(polygon: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Distance of the pixels from (x, y) `low` to before `high` to a polygon's outline, float32 (h, w)."""
    starts = polygon.astype(np.float32)
    edges = np.concatenate([starts[1:], starts[:1]]) - starts
    squared = np.maximum((edges**2).sum(axis=1), np.float32(1e-12))
    x = np.arange(low[0], high[0], dtype=np.float32) - starts[:, :1]
    y = np.arange(low[1], high[1], dtype=np.float32) - starts[:, 1:]
    along = (x * (edges[:, :1] / squared[:, None]))[:, None, :] + (y * (edges[:, 1:] / squared[:, None]))[:, :, None]
    np.minimum(np.maximum(along, 0, out=along), 1, out=along)
    away_x = x[:, None, :] - along * edges[:, 0, None, None]
    away_y = y[:, :, None] - along * edges[:, 1, None, None]
    away_x *= away_x
    away_y *= away_y
    away_x += away_y
    nearest = away_x.min(axis=0)
    return np.sqrt(nearest, out=nearest)
