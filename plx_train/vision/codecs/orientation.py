"""Orientation of a picture: how viewers turn it, by a tag of EXIF."""

from __future__ import annotations

import struct
from collections.abc import Callable

import cv2
import numpy as np

UPRIGHT = 1
QUARTER_TURNS = (5, 6, 7, 8)
"""Values of the tag that swap width and height."""

TAG = 0x0112
BYTE_ORDERS = {b"II": "<", b"MM": ">"}
VALUE_FORMATS = {1: "B", 3: "H", 4: "I"}
"""Formats of numbers without sign, by the number of their type."""

TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.flip(image, -1),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.flip(cv2.transpose(image), -1),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def exif_orientation(exif: bytes) -> int:
    """The orientation that EXIF data name, 1 to 8; 1 where they name none or can't be read, as viewers do."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = BYTE_ORDERS.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for place in range(first + 2, first + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, place)
            if tag == TAG and kind in VALUE_FORMATS:
                (value,) = struct.unpack_from(order + VALUE_FORMATS[kind], tiff, place + 8)
                return value if value in TURNS else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT


def turned_size(height: int, width: int, orientation: int) -> tuple[int, int]:
    """Height and width of a picture once it is upright."""
    return (width, height) if orientation in QUARTER_TURNS else (height, width)


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """`image` (H, W, C) turned and mirrored as an orientation from 1 to 8 asks."""
    return image if orientation == UPRIGHT else np.asarray(TURNS[orientation](image))
