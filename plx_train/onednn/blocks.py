"""Blocks of a batch, which are computed for themselves: always the same ones, so that bits know nothing of threads."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from plx_train.machine.threads import BLOCKS
from plx_train.onednn.cache import MOST_KEPT
from plx_train.onednn.convolution import Geometry

NUMBER_BYTES = 4
LEAST_PRODUCTS = 1 << 18
"""Products of a block that are worth the way to another thread, about 20 µs of computing."""


@dataclass(frozen=True)
class ImageBlock:
    """Some images of a batch.

    Attributes:
        geometry: of the convolution of these images alone.
        x, y: bytes of the images before them, in x and in the result.
        first: number of images before them.
    """

    geometry: Geometry
    x: int
    y: int
    first: int


@lru_cache(maxsize=MOST_KEPT)
def blocks_of(geometry: Geometry) -> tuple[ImageBlock, ...]:
    """The blocks of a batch, in the order in which their weight gradients are added."""
    images = geometry.x[0]
    per_image = math.prod(geometry.weight) * math.prod((geometry.x if geometry.transposed else geometry.y)[2:])
    found = []
    for first, end in bounds(images, images * per_image // LEAST_PRODUCTS):
        own = replace(geometry, x=(end - first, *geometry.x[1:]))
        found.append(ImageBlock(own, first * image_bytes(geometry.x), first * image_bytes(geometry.y), first))
    return tuple(found)


def bounds(length: int, most: int) -> list[tuple[int, int]]:
    """(begin, end) of nearly equal parts: `BLOCKS` or `most`, whatever is less, but one at least."""
    count = max(min(length, most, BLOCKS), 1)
    edges = [length * number // count for number in range(count + 1)]
    return list(itertools.pairwise(edges))


def image_bytes(shape: Sequence[int]) -> int:
    """Bytes of one image of a float32 batch."""
    return math.prod(shape[1:]) * NUMBER_BYTES
