"""Long images: the network sees them piece by piece, and boxes are looked for on the map of the whole.

A map that is put together before anything is found on it has no box twice, and none that ends at a seam.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from plx_train.vision.bounds import MOST_MADE

LONG_RATIO = 3.0
"""Images whose sides differ by more are long."""
SMALLEST_SCALE = 0.5
"""Long images are looked at in pieces where they would be shrunk to less."""
PIECE_RATIO = 1.5
"""Length of a piece in widths of the image: an ordinary page."""
OVERLAP_SHARE = 1 / 6
"""Share of a piece that the next one sees too: a quarter of the image's width."""
STRIDE = 32

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class Pieces:
    """How an image is cut, in pixels as the network sees them.

    Attributes:
        is_wide: the long side is the width.
        size: of the whole image.
        starts: of the pieces along the long side.
        length: of each.
    """

    is_wide: bool
    size: Size
    starts: tuple[int, ...]
    length: int

    def cut(self, image: np.ndarray, first: int, last: int) -> np.ndarray:
        """What lies from `first` to `last` along the long side of `image` (H, W, …)."""
        return image[:, first:last] if self.is_wide else image[first:last]

    def seams(self) -> list[int]:
        """Where one piece's map gives way to the next one's, the image's ends included."""
        ends = [start + self.length for start in self.starts]
        middles = [(after + before) // 2 for before, after in zip(ends[:-1], self.starts[1:], strict=True)]
        return [0, *middles, ends[-1]]


def pieces_of(shape: Size, input_size: Callable[[Size], Size]) -> Pieces | None:
    """How an image of `shape` is cut; None where it is seen as a whole.

    Args:
        input_size: gives the size at which the network sees an image.
    """
    long, short = max(shape), min(shape)
    if long <= LONG_RATIO * short or max(input_size(shape)) >= SMALLEST_SCALE * long:
        return None
    is_wide = shape[1] > shape[0]
    piece = (int(short * PIECE_RATIO), short)
    length, width = max(found := input_size(piece)), min(found)
    whole = max(round(long * length / piece[0] / STRIDE) * STRIDE, length)
    if whole * width > max(MOST_MADE, long * short):
        # Such strips of a few pixels are seen as a whole, shrunk, as PaddleX sees all.
        return None
    step = length - max(round(length * OVERLAP_SHARE / STRIDE), 1) * STRIDE
    if step <= 0:
        return None
    count = math.ceil((whole - length) / step) + 1
    spread = (whole - length) / max(count - 1, 1) / STRIDE
    starts = tuple(round(number * spread) * STRIDE for number in range(count))
    return Pieces(is_wide, (width, whole) if is_wide else (whole, width), starts, length)


def whole_map(pieces: Pieces, image: np.ndarray, map_of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The probability map float32 (h, w) of an image uint8 (H, W, 3), of which one piece at a time is looked at.

    Args:
        map_of: gives the map of a picture as large as the network sees it.
    """
    height, width = pieces.size
    resized = cv2.resize(image, (width, height))
    found = np.empty((height, width), np.float32)
    seams = pieces.seams()
    for start, first, last in zip(pieces.starts, seams[:-1], seams[1:], strict=True):
        part = map_of(np.ascontiguousarray(pieces.cut(resized, start, start + pieces.length)))
        pieces.cut(found, first, last)[:] = pieces.cut(part, first - start, last - start)
    return found
