"""Masks: maps of an image that say of each pixel whether, or what, it is."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from plx_train.data.formats.mask_colours import Colour
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
    return mask_of(read_bytes(path).tobytes(), path, (), max_pixels)


def read_coloured(path: Path, colours: Sequence[Colour | None], max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The numbers of classes in a mask's file whose pixels have the `colours` of these, uint8 (H, W).

    Raises:
        ImageError: it can't be read, or a pixel has another colour.
    """
    return mask_of(read_bytes(path).tobytes(), path, colours, max_pixels)


def mask_of(content: bytes, path: Path, colours: Sequence[Colour | None], max_pixels: int) -> np.ndarray:
    """The numbers in the content of a mask's file, uint8 (H, W).

    Args:
        path: for messages.
        colours: of the classes, by number, where its pixels have these; none: they are numbers.

    Raises:
        ImageError: it can't be read, or its pixels say no numbers.
    """
    if not colours:
        return _numbers(_values(content, path, max_pixels), path)
    values = _values(content, path, max_pixels, "RGB").astype(np.int32)
    packed = (values[..., 0] << 16) | (values[..., 1] << 8) | values[..., 2]
    found = np.full(packed.shape, UNCOUNTED, np.uint8)
    left = np.ones(packed.shape, bool)
    for number, colour in enumerate(colours):
        if colour is not None:
            own = packed == (colour[0] << 16 | colour[1] << 8 | colour[2])
            found[own & left] = number
            left &= ~own
    if left.any():
        row, column = np.argwhere(left)[0]
        reason = f"{int(left.sum())} pixels have the colour of no class, {values[row, column].tolist()} the first"
        raise ImageError(path, "mask-colour-unknown", reason)
    return found


def _values(content: bytes, path: Path, max_pixels: int, mode: str | None = None) -> np.ndarray:
    """What a mask's file holds for each pixel; `mode` is Pillow's, None the file's own."""
    file = io.BytesIO(content)
    header = open_header(file, path)
    seek_page(header, path)
    check_pixels(*size_of(header, path), path, max_pixels)
    if header.format in LOSSY:
        raise ImageError(path, "mask-lossy", "a JPEG changes the numbers of its pixels: save masks as PNG")
    try:
        return np.asarray(header.convert(mode) if mode else header)
    except Exception as error:
        raise damaged(path, error) from None


def _numbers(values: np.ndarray, path: Path) -> np.ndarray:
    if values.ndim == 3:
        planes = values[..., : 3 if values.shape[2] > 2 else 1]
        if (planes != planes[..., :1]).any():
            reason = (
                "its pixels have colours instead of numbers of classes: save it with a palette or in grey, or say in "
                "labelmap.txt, a line of name:r,g,b:: for each class, which is which"
            )
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
