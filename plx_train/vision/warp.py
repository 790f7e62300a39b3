"""One matrix for an image and whatever is marked on it: points, boxes, outlines and masks.

Matrices are float64 (3, 3) and map x, y in pixels, of which an image's upper left corner is 0, 0. A box is mapped as
the outline of its corners, and is what `Outlines.bounds` then gives; a mask as an image, by ``cv2.INTER_NEAREST``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Outlines:
    """Polygons one after the other, so that all corners are mapped at once.

    Attributes:
        points: float32 (T, 2), the corners of all polygons.
        starts: int64 (N,), where each polygon begins in `points`.
    """

    points: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, polygons: Sequence[np.ndarray]) -> Outlines:
        """The outlines of polygons (P, 2)."""
        counts = np.asarray([0, *(len(polygon) for polygon in polygons)], np.int64)
        points = np.concatenate([np.zeros((0, 2), np.float32), *polygons])
        return cls(points, np.cumsum(counts)[:-1])

    def mapped(self, matrix: np.ndarray) -> Outlines:
        """The polygons under a matrix (3, 3)."""
        return Outlines(transform(self.points, matrix), self.starts)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> np.ndarray:
        end = self.starts[index + 1] if index + 1 < len(self.starts) else len(self.points)
        return self.points[self.starts[index] : end]

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest x, y of each polygon, float32 (N, 2) each."""
        if len(self.starts) == 0:
            return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
        return np.minimum.reduceat(self.points, self.starts), np.maximum.reduceat(self.points, self.starts)


def scaling(shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """The matrix that takes *coordinates* in an image of `shape` (height, width) to one of `size`: a plain scaling."""
    return np.diag([size[1] / shape[1], size[0] / shape[0], 1.0])


def pixel_scaling(shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """The scaling of `scaling`, but for the centres of *pixels*, half a pixel in, as ``cv2.resize`` does."""
    return shift(-0.5, -0.5) @ scaling(shape, size) @ shift(0.5, 0.5)


def shift(x: float, y: float) -> np.ndarray:
    """The matrix that moves by x, y."""
    return np.asarray([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def random_turn(
    scale: Sequence[float], rotate_degrees: float, flip_probability: float, rng: np.random.Generator
) -> np.ndarray:
    """A random scaling, rotation and mirroring about the origin.

    Args:
        scale: least and most of the factor, which is drawn evenly in the logarithm.
        rotate_degrees: rotation is drawn from -x to x.
        flip_probability: of mirroring left to right.
    """
    factor = float(np.exp(rng.uniform(np.log(scale[0]), np.log(scale[1]))))
    angle = np.deg2rad(rng.uniform(-rotate_degrees, rotate_degrees))
    cosine, sine = factor * np.cos(angle), factor * np.sin(angle)
    mirror = -1.0 if rng.random() < flip_probability else 1.0
    return np.asarray([[mirror * cosine, -sine, 0.0], [mirror * sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def random_perspective(size: tuple[int, int], strength: float, rng: np.random.Generator) -> np.ndarray:
    """A random perspective: corners of an image of `size` (height, width) move by up to `strength` of its sides."""
    height, width = size
    moved = corners_of(size) + (rng.uniform(-strength, strength, (4, 2)) * (width, height)).astype(np.float32)
    return cv2.getPerspectiveTransform(corners_of(size), moved)


def random_corners(shape: tuple[int, int], share: float, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Matrix for the centres of pixels, from an image of `shape` (height, width), whose corners move, to one of `size`.

    Args:
        share: of its height, by which each corner moves at most.
    """
    moved = corners_of(shape) - 0.5 + rng.uniform(-share, share, (4, 2)).astype(np.float32) * shape[0]
    return cv2.getPerspectiveTransform(moved, corners_of(size) - 0.5)


def corners_of(size: tuple[int, int]) -> np.ndarray:
    """The corners of an image of `size` (height, width), clockwise from the upper left, float32 (4, 2)."""
    height, width = size
    return np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def transform(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (P, 2) mapped by a matrix (3, 3), float32 (P, 2)."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return (mapped[:, :2] / mapped[:, 2:]).astype(np.float32)


def warp(
    image: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    fill: Sequence[float] | None = None,
    interpolation: int = cv2.INTER_LINEAR,
) -> np.ndarray:
    """`image` (H, W) or (H, W, 3) mapped by a matrix for the centres of pixels to one of `size` (height, width).

    Args:
        fill: the colour of what lies around it; None: its border is repeated.
    """
    mode, colour = (cv2.BORDER_REPLICATE, ()) if fill is None else (cv2.BORDER_CONSTANT, tuple(fill))
    if matrix[2, 0] == 0 and matrix[2, 1] == 0:
        return cv2.warpAffine(image, matrix[:2], size[::-1], None, interpolation, mode, colour)
    return cv2.warpPerspective(image, matrix, size[::-1], None, interpolation, mode, colour)
