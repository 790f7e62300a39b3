"""Training images made of parts of others; images are uint8 (H, W, 3) BGR, and the given ones stay as they are."""

from __future__ import annotations

import math

import cv2
import numpy as np

NUM_PASTED = 3


def blend(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Two images of one size as one, of which the first is `share` (mixup: Zhang et al., 2018)."""
    mixed = first.astype(np.float32) * share + second.astype(np.float32) * (1 - share)
    return mixed.round().astype(np.uint8)


def patch(first: np.ndarray, second: np.ndarray, share: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The first image with a patch of the second, of one size, and the first's share of it (CutMix: Yun et al., 2019).

    Args:
        share: what should be left; the patch may stick out of the image.
    """
    height, width = first.shape[:2]
    rows, columns = (int(side * math.sqrt(1 - share)) for side in (height, width))
    middle, centre = int(rng.integers(height)), int(rng.integers(width))
    top, bottom = max(middle - rows // 2, 0), min(middle - rows // 2 + rows, height)
    left, right = max(centre - columns // 2, 0), min(centre - columns // 2 + columns, width)
    mixed = first.copy()
    mixed[top:bottom, left:right] = second[top:bottom, left:right]
    return mixed, 1 - max(bottom - top, 0) * max(right - left, 0) / (height * width)


def copy_paste(
    image: np.ndarray, polygons: list[np.ndarray], ignore: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """The image with up to three of its objects, each with the rectangle of pixels around it, in free places as well.

    Args:
        polygons: float32 (P, 2) each, pixels.
        ignore: bool (N,); only others are copied.
    """
    height, width = image.shape[:2]
    image = image.copy()
    taken = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(taken, [np.rint(polygon).astype(np.int32)], 1)
    pasted: list[np.ndarray] = []
    whole = [points for points, out in zip(polygons, ignore, strict=True) if not out]
    for _ in range(NUM_PASTED if whole else 0):
        polygon = whole[rng.integers(len(whole))]
        low, high = (
            np.floor(polygon.min(axis=0)).astype(int) - 1,
            np.ceil(polygon.max(axis=0)).astype(int) + 2,
        )
        if (low < 0).any() or high[0] > width or high[1] > height:
            continue
        size = high - low
        x, y = (int(rng.integers(0, room + 1)) for room in (width - size[0], height - size[1]))
        if taken[y : y + size[1], x : x + size[0]].any():
            continue
        image[y : y + size[1], x : x + size[0]] = image[low[1] : high[1], low[0] : high[0]]
        taken[y : y + size[1], x : x + size[0]] = 1
        pasted.append((polygon + (np.asarray([x, y]) - low)).astype(np.float32))
    return image, polygons + pasted, np.concatenate([ignore, np.zeros(len(pasted), bool)])
