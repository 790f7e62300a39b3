"""Text lines in a page: their order, and each as an upright picture of its own; as PaddleX does it, to the pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from plx_train.vision.bounds import MOST_MADE, TooManyPixels

SAME_LINE_PIXELS = 10
"""Tops that differ by less stand in one line."""
SHORT_LIMIT = 32767
"""Coordinates from here on need more than 16 bits, and pictures so long are not warped by OpenCV."""
MARGIN = 4
"""Pixels around a box that its edges are interpolated with."""
COVERED = 4
"""How often boxes may cover a page: texts are printed side by side."""
UPRIGHT_RATIO = 1.5
"""Crops that are higher than so many widths hold a line that runs downwards."""


def reading_order(quads: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Boxes (4, 2), first corner top left, from top to bottom and in a line from left to right."""
    found = sorted(quads, key=lambda quad: (quad[0][1], quad[0][0]))
    for end in range(1, len(found)):
        place = end
        while place > 0 and _belongs_before(found[place], found[place - 1]):
            found[place - 1], found[place] = found[place], found[place - 1]
            place -= 1
    return found


def _belongs_before(quad: np.ndarray, other: np.ndarray) -> bool:
    # As plain numbers: integers of 16 bits would overflow.
    same_line = abs(float(quad[0][1]) - float(other[0][1])) < SAME_LINE_PIXELS
    return same_line and bool(quad[0][0] < other[0][0])


def whole_numbers(corners: Any) -> np.ndarray:
    """Coordinates as int16, which is PaddleX's type, or as int32 where they are too large for it."""
    values = np.asarray(corners)
    fits = not values.size or np.abs(values).max() < SHORT_LIMIT
    return values.astype(np.int16 if fits else np.int32)


def check_crops(image: np.ndarray, quads: Sequence[np.ndarray]) -> None:
    """
    Raises:
        TooManyPixels: the boxes (4, 2) on an image, cut out, are far more than the image.
    """
    sides = [np.linalg.norm(np.diff(np.asarray(quad, float)[[0, 1, 2]], axis=0), axis=1) for quad in quads]
    total = sum(float(width) * float(height) for width, height in sides)
    most = max(MOST_MADE, COVERED * image.shape[0] * image.shape[1])
    if not total <= most:
        raise TooManyPixels(
            f"the {len(quads)} boxes found on a page of {image.shape[1]} x {image.shape[0]} pixels have "
            f"{total / 1e6:.0f} million together, above the limit of {most / 1e6:.0f} million: lower the unclip ratio"
        )


def crop_line(image: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """The part of an image in the smallest rectangle around a box (4, 2), laid flat; may be empty."""
    if max(image.shape[:2]) >= SHORT_LIMIT:
        image, quad = _surroundings(image, np.asarray(quad))
    corners = _ordered(cv2.boxPoints(cv2.minAreaRect(np.asarray(quad).astype(np.int32))))
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    width, height = int(max(sides[0], sides[2])), int(max(sides[1], sides[3]))
    if width == 0 or height == 0:
        return np.zeros((0, 0, 3), np.uint8)
    target = np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    crop = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.rot90(crop)) if height / width >= UPRIGHT_RATIO else crop


def _surroundings(image: np.ndarray, quad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What of an image lies around a box, and the box in it: OpenCV warps no picture that is longer than 32766.

    A box that is longer is shrunk with what lies around it.
    """
    corners = cv2.boxPoints(cv2.minAreaRect(np.asarray(quad).astype(np.int32)))
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - MARGIN, 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + MARGIN
    around, moved = image[top:bottom, left:right], quad - (left, top)
    scale = (SHORT_LIMIT - 1) / max(around.shape[:2])
    if scale >= 1:
        return around, moved
    # Corners are whole numbers: so the box is too when it grows by less than one.
    height, width = (max(int(side * scale), 1) for side in around.shape[:2])
    return cv2.resize(around, (width, height), interpolation=cv2.INTER_AREA), np.floor(moved * scale)


def _ordered(corners: np.ndarray) -> np.ndarray:
    """Corners of a rectangle from the top left clockwise, float32 (4, 2)."""
    by_column = corners[sorted(range(4), key=lambda index: corners[index][0])]
    left, right = by_column[:2], by_column[2:]
    top_left, bottom_left = (left[0], left[1]) if left[1][1] > left[0][1] else (left[1], left[0])
    top_right, bottom_right = (right[0], right[1]) if right[1][1] > right[0][1] else (right[1], right[0])
    return np.asarray([top_left, top_right, bottom_right, bottom_left], np.float32)


def rotate(image: np.ndarray, degrees: int) -> np.ndarray:
    """The image turned against the clock by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(image, degrees // 90)) if degrees else image


def box_crop(image: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """The part of an image in a box x1, y1, x2, y2, of whole pixels as PaddleX takes them, one at least."""
    left, top, right, bottom = (int(value) for value in box)
    left, top = min(left, image.shape[1] - 1), min(top, image.shape[0] - 1)
    return image[top : max(bottom, top + 1), left : max(right, left + 1)]
