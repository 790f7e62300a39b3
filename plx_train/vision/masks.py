"""Masks: maps of an image that say of each pixel whether, or what, it is."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from plx_train.vision.codecs.by_pillow import open_header, seek_page, size_of
from plx_train.vision.codecs.faults import MAX_PIXELS, ImageError, check_pixels, damaged
from plx_train.vision.image import read_bytes

SUB_PIXEL_BITS = 4
UNCOUNTED = 255
"""The number of pixels that count neither way."""
LARGEST = 255
"""The largest number of a pixel."""
LOSSY = ("JPEG", "MPO")
"""Formats, by Pillow's names, that change numbers."""


def read_mask(path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The numbers in a mask's file, uint8 (H, W): indices of a palette, else levels of grey.

    Raises:
        ImageError: it can't be read, or its pixels are no numbers from 0 to 255.
    """
    file = io.BytesIO(read_bytes(path).tobytes())
    header = open_header(file, path)
    seek_page(header, path)
    check_pixels(*size_of(header, path), path, max_pixels)
    if header.format in LOSSY:
        raise ImageError(path, "mask-lossy", "a JPEG changes the numbers of its pixels: save masks as PNG")
    try:
        values = np.asarray(header)
    except Exception as error:
        raise damaged(path, error) from None
    return _numbers(values, path)


def _numbers(values: np.ndarray, path: Path) -> np.ndarray:
    if values.ndim == 3:
        planes = values[..., : 3 if values.shape[2] > 2 else 1]
        if (planes != planes[..., :1]).any():
            reason = "its pixels have colours instead of numbers of classes: save it with a palette, or in grey"
            raise ImageError(path, "mask-colours", reason)
        values = planes[..., 0]
    if values.dtype.kind == "f" or (values.size and (values.min() < 0 or values.max() > LARGEST)):
        reason = f"its pixels are no whole numbers from 0 to {LARGEST}: classes are counted from 0"
        raise ImageError(path, "mask-levels", reason)
    return np.ascontiguousarray(values.astype(np.uint8))


def fill_polygons(canvas: np.ndarray, polygons: Sequence[np.ndarray], value: int) -> None:
    """Gives `value` to the pixels of polygons (P, 2) on `canvas` (H, W), border pixels included."""
    if not polygons:
        return
    corners = np.rint(np.concatenate(polygons) * 2**SUB_PIXEL_BITS).astype(np.int32)
    ends = itertools.accumulate(map(len, polygons), initial=0)
    for start, end in itertools.pairwise(ends):
        # One at a time: together, overlapping polygons would cancel out by the even-odd rule.
        cv2.fillPoly(canvas, [corners[start:end]], value, cv2.LINE_8, SUB_PIXEL_BITS)
