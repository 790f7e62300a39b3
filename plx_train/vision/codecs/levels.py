"""Levels of grey and colour beyond 8 bits, made 8 bits: the same for every picture of the same content."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plx_train.vision.codecs.faults import ImageError

ROWS = 256
"""Rows of a picture that are worked on at once: what lies between is wider than its pixels."""

SMALL_RANGES = (8, 10, 12)
"""Bits of cameras and scanners whose files have 16: read by 16, nothing of them would be seen."""


def used_bits_of(largest: int) -> int:
    """Bits by which unsigned 16-bit levels are read: the fewest of 8, 10, 12 and 16 that hold the `largest`."""
    return next((bits for bits in SMALL_RANGES if largest < 1 << bits), 16)


def from_16_bits(values: np.ndarray, bits: int | None = None) -> np.ndarray:
    """uint8 of `values` uint16, whose range is that of `bits`; None: of `used_bits_of` the largest."""
    bits = used_bits_of(int(values.max(initial=0))) if bits is None else bits
    out = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), ROWS):
        out[top : top + ROWS] = values[top : top + ROWS] >> (bits - 8)
    return out


def from_numbers(values: np.ndarray, path: Path) -> np.ndarray:
    """uint8 of 32-bit `values`: whole numbers as those of 16 bits, fractions from 0 to 1.

    Raises:
        ImageError: they lie beyond.
    """
    is_whole = np.issubdtype(values.dtype, np.integer)
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if not (low >= 0 and high <= (0xFFFF if is_whole else 1)):
        wanted = "whole numbers from 0 to 65535" if is_whole else "fractions from 0 to 1"
        reason = f"the image's values go from {low:g} to {high:g}: {wanted} are read, convert it to PNG"
        raise ImageError(path, "image-undecodable", reason)
    if is_whole:
        return from_16_bits(values.astype(np.uint16))
    return np.rint(values * 255).astype(np.uint8)
