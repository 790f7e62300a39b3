"""Masks: maps of an image that say of each pixel whether, or what, it is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np

SUB_PIXEL_BITS = 4


def fill_polygons(canvas: np.ndarray, polygons: Sequence[np.ndarray], value: int) -> None:
    """Gives `value` to the pixels of polygons (P, 2) on `canvas` (H, W), border pixels included."""
    if not polygons:
        return
    corners = np.rint(np.concatenate(polygons) * 2**SUB_PIXEL_BITS).astype(np.int32)
    ends = itertools.accumulate(map(len, polygons), initial=0)
    for start, end in itertools.pairwise(ends):
        # One at a time: together, overlapping polygons would cancel out by the even-odd rule.
        cv2.fillPoly(canvas, [corners[start:end]], value, cv2.LINE_8, SUB_PIXEL_BITS)
