"""JPEG and PNG, which OpenCV decodes: faster than Pillow, and to the bits that published weights were trained on."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np

from plx_train.vision.codecs import jpeg, png
from plx_train.vision.codecs.by_pillow import checksum, decode_frame, open_header
from plx_train.vision.codecs.faults import ImageError, check_pixels, damaged
from plx_train.vision.codecs.levels import from_16_bits
from plx_train.vision.codecs.orientation import upright
from plx_train.vision.codecs.transparency import laid_on

# Every fault has a sentence here; OpenCV's own lines name no file. Versions differ in where the level is set.
for _place in (cv2, getattr(cv2.utils, "logging", None)):
    _set_level = getattr(_place, "setLogLevel", None)
    if _set_level is not None:
        _set_level(0)

MISSING = (128, 128, 128)
"""What libjpeg makes of pixels that are not there."""


def decode_jpeg(content: bytes, path: Path, max_pixels: int) -> np.ndarray:
    """The picture of a JPEG uint8 (H, W, 3) BGR, upright, if its scans are whole; bytes behind it don't matter.

    Raises:
        ImageError: it is damaged, cut off, too large, or of a kind that is not read.
    """
    try:
        header = jpeg.read_header(io.BytesIO(content))
    except jpeg.BrokenJpeg as error:
        raise damaged(path, error) from None
    check_pixels(header.height, header.width, path, max_pixels)
    if header.bits != 8 or header.marker not in jpeg.DECODED:
        kind = f"JPEG of {header.bits} bits" if header.bits != 8 else "JPEG without loss"
        raise ImageError(path, "image-format", f"{kind} is not read: convert it to PNG")
    return upright(_whole_jpeg(content, header, path), header.orientation)


def _whole_jpeg(content: bytes, header: jpeg.JpegHeader, path: Path) -> np.ndarray:
    """The picture as stored; what is missing at its end would have been filled up, and nothing said."""
    scans = jpeg.find_scans(content, header)
    if not (scans.is_ended or scans.has_all_bits) or not scans.is_counted:
        raise damaged(path)
    ended, image = content[: scans.end] + jpeg.END, None
    if scans.is_ended and scans.has_all_bits:
        image = _jpeg_colours(ended, header, path)
        if tuple(image[-1, -1]) != MISSING:
            return image
    # The picture of a whole scan is the same whatever follows. Unlike OpenCV's, Pillow's libjpeg says nothing on the
    # terminal of the bytes too many.
    if len({_checksum(going_on, path) for going_on in jpeg.continued(content, header, scans.end)}) > 1:
        raise damaged(path)
    return image if image is not None else _jpeg_colours(ended, header, path)


def _checksum(content: bytes, path: Path) -> int:
    try:
        return checksum(io.BytesIO(content))
    except Exception as error:
        raise damaged(path, error) from None


def _jpeg_colours(content: bytes, header: jpeg.JpegHeader, path: Path) -> np.ndarray:
    """The picture as stored, uint8 (H, W, 3) BGR."""
    if len(header.components) not in (1, 3):
        # OpenCV takes all inks to be inverted.
        file = io.BytesIO(content)
        return decode_frame(open_header(file, path), file, path, is_stored=True)
    return _by_opencv(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION, path)


def decode_png(content: bytes, path: Path, max_pixels: int, background: str) -> np.ndarray:
    """The picture of a PNG uint8 (H, W, 3) BGR, upright, transparent pixels on a background of `BACKGROUNDS`.

    Raises:
        ImageError: it is damaged, cut off or too large.
    """
    try:
        header = png.read_header(content)
        check_pixels(header.height, header.width, path, max_pixels)
        header = png.with_pixels(header, content)
    except png.BrokenPng as error:
        raise damaged(path, error) from None
    return upright(_png_colours(header, path, background), header.orientation)


def _png_colours(header: png.Png, path: Path, background: str) -> np.ndarray:
    if header.bits < 16 and not header.has_alpha:
        return _by_opencv(header.content, cv2.IMREAD_COLOR, path)
    if header.bits < 16 and header.colours not in (png.COLOUR_ALPHA, png.GREY_ALPHA):
        file = io.BytesIO(header.content)
        return decode_frame(open_header(file, path), file, path, background)
    return _of_values(png_levels(header, path), background)


def png_levels(header: png.Png, path: Path) -> np.ndarray:
    """The levels of a PNG as stored, uint8 or uint16: (H, W), (H, W, 3) BGR or (H, W, 4) with its opacity.

    Raises:
        ImageError: it is damaged.
    """
    values = _by_opencv(header.content, cv2.IMREAD_UNCHANGED, path)
    if values.ndim == 2 and header.transparent:
        opacity = np.where(values == int.from_bytes(header.transparent, "big"), 0, 0xFFFF).astype(np.uint16)
        values = np.dstack([values, values, values, opacity])
    return values


def _of_values(values: np.ndarray, background: str) -> np.ndarray:
    """uint8 (H, W, 3) BGR of `values` uint8 or uint16, (H, W), (H, W, 3) BGR or (H, W, 4) with their opacity."""
    if values.ndim == 2:
        return cv2.cvtColor(_levels(values), cv2.COLOR_GRAY2BGR)
    colour = _levels(values[..., :3])
    if values.shape[2] == 3:
        return colour
    opacity = values[..., 3]
    return laid_on(background, colour, opacity if opacity.dtype == np.uint8 else from_16_bits(opacity, 16))


def _levels(values: np.ndarray) -> np.ndarray:
    return values if values.dtype == np.uint8 else from_16_bits(values)


def _by_opencv(content: bytes, flags: int, path: Path) -> np.ndarray:
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise damaged(path)
    return np.asarray(image)
