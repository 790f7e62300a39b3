"""Large images as overlapping tiles, so that small objects are seen at a size at which they can be found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from plx_train.ground.errors import ConfigError
from plx_train.ground.spread import spread
from plx_train.vision.box_views import FILL, moved
from plx_train.vision.image import ImageError, image_size
from plx_train.vision.objects import Objects
from plx_train.vision.samples import NUM_THREADS, LabelledImage

AUTO, OFF = "auto", ("off", "false")
"""What `module.tiles` may say beside a number; YAML reads a bare ``off`` as false."""
SIDES = (64, 4096)
"""Pixels of a tile's longer side, at least and at most."""
TINY = 8.0
"""Pixels of the network's input below which a box's shorter side is smaller than the finest grid."""
TINY_SHARE = 0.1
"""Share of the boxes from which on images are cut that would be smaller where they are seen whole."""
VISIBLE = 16.0
"""Pixels to which tiles bring the smallest objects but for a tenth: two points of the finest grid."""
LARGEST_SHARE = 0.5
"""Share of a tile's side that the largest objects take up at most, but for a twentieth."""
OVERLAPS = (0.2, 0.5)
"""Least and most overlap of neighbours, as shares of a tile's shorter side."""
NEGATIVES = 1.0
"""Tiles without objects that are trained on for each that has some."""
STEP = 32

Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True)
class Tiling:
    """How images are cut.

    Attributes:
        size: width and height of a tile, in pixels of the image.
        overlap: pixels that neighbours have in common, at least.
    """

    size: Size
    overlap: int

    def corners(self, shape: tuple[int, int]) -> np.ndarray:
        """x, y of each tile's upper left corner in an image of `shape` (height, width), row by row, int64 (T, 2)."""
        columns, rows = (_starts(side, tile, self.overlap) for side, tile in zip(shape[::-1], self.size, strict=True))
        return np.asarray([(x, y) for y in rows for x in columns], np.int64)

    def __str__(self) -> str:
        (width, height), overlap = self.size, self.overlap
        return (
            f"images are looked at in tiles of {width} x {height} pixels that overlap by {overlap}, and what is found "
            "in them is put together; PaddleX knows no tiles: it sees whole images with the same export"
        )

    def cut(self, image: np.ndarray, corner: Sequence[int] | np.ndarray) -> np.ndarray:
        """One tile of an image uint8 (H, W, 3), of full size: what lies beyond the image is grey."""
        (width, height), (left, top) = self.size, (int(each) for each in corner)
        part = image[top : top + height, left : left + width]
        right, below = width - part.shape[1], height - part.shape[0]
        if not right and not below:
            return np.ascontiguousarray(part)
        return cv2.copyMakeBorder(part, 0, below, 0, right, cv2.BORDER_CONSTANT, value=FILL)


def _starts(side: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along a side: at both ends, and evenly in between."""
    free = side - tile
    if free <= 0:
        return [0]
    count = math.ceil(free / max(tile - overlap, 1)) + 1
    return [round(number * free / (count - 1)) for number in range(count)]


@dataclass(frozen=True)
class TiledImage(LabelledImage[Objects]):
    """A tile of a labelled image, its objects' boxes in the tile's pixels; they may stand out of it."""

    tiling: Tiling
    corner: tuple[int, int]

    def part(self, picture: np.ndarray) -> np.ndarray:
        """The tile, uint8 (height, width, 3) BGR."""
        return self.tiling.cut(picture, self.corner)


def tiles_of(samples: Sequence[LabelledImage[Objects]], tiling: Tiling, min_visible: float) -> list[TiledImage]:
    """What is trained on: each tile in which an object is seen well enough, and as many without any, spread evenly.

    Of images without any object it is every tile: nobody labelled them.

    Args:
        min_visible: share of a box that lies in the tile.
    """
    full: list[TiledImage] = []
    empty: list[TiledImage] = []
    for sample, shape in zip(samples, sizes_of_files(samples), strict=True):
        for x, y in tiling.corners(shape or tiling.size[::-1]).tolist():
            truth = _seen_in(sample.truth.counted, tiling, (x, y), min_visible)
            where = (sample.image, truth, sample.where, tiling, (x, y))
            tile = TiledImage(*where, background=sample.background, weight=sample.weight)
            (full if len(truth) else empty).append(tile)
    if not full:
        return empty
    return full + [empty[place] for place in spread(len(empty), max(math.ceil(NEGATIVES * len(full)), 1))]


def _seen_in(objects: Objects, tiling: Tiling, corner: tuple[int, int], min_visible: float) -> Objects:
    """The objects of which enough lies in a tile, whole."""
    own = objects.shifted(-corner[0], -corner[1])
    numbered = replace(own, classes=np.arange(len(own)))
    inside = moved(numbered, np.eye(2, 3), tiling.size[::-1], tiling.size, min_visible)
    return own.where(inside.classes)


def sizes_of_files(samples: Sequence[LabelledImage[Any]]) -> list[tuple[int, int] | None]:
    """Height and width of each image, of which only the header is read; None where it can't be."""
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        return list(pool.map(_size, samples))


def _size(sample: LabelledImage[Any]) -> tuple[int, int] | None:
    try:
        return image_size(sample.image)
    except ImageError:
        return None  # the check says so, with the label's line


def check_tiles(wanted: str) -> None:
    """
    Raises:
        ConfigError: `module.tiles` is neither ``auto`` nor ``off`` nor a number of pixels.
    """
    if wanted.lower() in (AUTO, *OFF):
        return
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 9 and SIDES[0] <= int(wanted) <= SIDES[1]):
        raise ConfigError(f"module.tiles must be auto, off, or {SIDES[0]} to {SIDES[1]} pixels, not {wanted}")


def choose_tiling(samples: Sequence[LabelledImage[Objects]], size: Size, wanted: str) -> Tiling | None:
    """How a dataset's images are cut for a network that sees `size`; None: they are seen whole.

    By ``auto`` they are cut where more than a tenth of the boxes would else be smaller than the network's finest grid:
    into tiles in which a tenth is below two of its points, unless the largest objects ask for larger ones.

    Args:
        wanted: as users say it, ``auto``, ``off`` or a tile's longer side in pixels.
    """
    if wanted.lower() in OFF:
        return None
    boxes = [sample.truth.counted.boxes for sample in samples]
    sides = [own[:, 2:] - own[:, :2] for own in boxes]
    every = np.concatenate([np.zeros((0, 2), np.float32), *sides])
    if wanted.lower() != AUTO:
        return _tiling(int(wanted), size, every)
    if not len(every):
        return None
    shapes = [shape or (1, 1) for shape in sizes_of_files(samples)]
    seen = [(own * np.asarray(size) / shape[::-1]).min(axis=1) for own, shape in zip(sides, shapes, strict=True)]
    if (np.concatenate(seen) < TINY).mean() <= TINY_SHARE:
        return None
    smallest, largest = np.percentile(every.min(axis=1), 10), np.percentile(every.max(axis=1), 95)
    longest = max(smallest / VISIBLE * max(size), largest / LARGEST_SHARE * max(size) / min(size))
    side = min(max(round(longest / STEP) * STEP, SIDES[0]), SIDES[1])
    tiling = _tiling(side, size, every)
    is_cut = any(len(tiling.corners(shape)) > 1 for shape in shapes)
    return tiling if is_cut else None


def _tiling(side: int, size: Size, sides: np.ndarray) -> Tiling:
    """Tiles whose longer side is `side`, of the shape of the network's input; objects of `sides` fit into overlaps."""
    width, height = (max(round(side * each / max(size)), 1) for each in size)
    wanted = float(np.percentile(sides.max(axis=1), 95)) if len(sides) else 0.0
    low, high = (share * min(width, height) for share in OVERLAPS)
    return Tiling((width, height), math.ceil(min(max(wanted, low), high)))
