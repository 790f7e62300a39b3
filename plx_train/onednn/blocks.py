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
LEAST_PRODUCTS = 1 << 20
"""Products of a block that are worth the way to another thread, some 30 µs; a number that is moved counts for 32."""
PRODUCTS_OF_A_NUMBER = 32
NUMBERS_OF_A_WEIGHT = 4
"""Numbers of x and y that a block has for each weight at least: each block's gradient is written and added."""


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
    found = []
    for first, end in bounds(geometry.x[0], _most_blocks(geometry)):
        own = replace(geometry, x=(end - first, *geometry.x[1:]))
        found.append(ImageBlock(own, first * image_bytes(geometry.x), first * image_bytes(geometry.y), first))
    return tuple(found)


def _most_blocks(geometry: Geometry) -> int:
    """As many blocks as are worth it."""
    images, weights = geometry.x[0], math.prod(geometry.weight)
    products = images * weights * math.prod((geometry.x if geometry.transposed else geometry.y)[2:])
    numbers = math.prod(geometry.x) + math.prod(geometry.y)
    work = products + PRODUCTS_OF_A_NUMBER * numbers
    return min(work // LEAST_PRODUCTS, numbers // (NUMBERS_OF_A_WEIGHT * weights))


def bounds(length: int, most: int) -> list[tuple[int, int]]:
    """(begin, end) of nearly equal parts: `BLOCKS` or `most`, whatever is less, but one at least."""
    count = max(min(length, most, BLOCKS), 1)
    edges = [length * number // count for number in range(count + 1)]
    return list(itertools.pairwise(edges))


def image_bytes(shape: Sequence[int]) -> int:
    """Bytes of one image of a float32 batch."""
    return math.prod(shape[1:]) * NUMBER_BYTES
