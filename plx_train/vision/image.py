"""Reads and writes image files; whatever can be wrong with one is said in a sentence."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.ground.errors import UserError
from plx_train.vision.codecs import jpeg, png
from plx_train.vision.codecs.by_opencv import decode_jpeg, decode_png
from plx_train.vision.codecs.by_pillow import decode_frame, open_header, seek_page, size_of
from plx_train.vision.codecs.faults import MAX_PIXELS, ImageError, check_pixels, damaged
from plx_train.vision.codecs.orientation import turned_size

IMAGE_SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".gif"),
        *(".avif", ".heic", ".heif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm"),
    }
)
"""Suffixes of the files that count as images in a folder."""


def read_image(path: Path | str, max_pixels: int = MAX_PIXELS, background: str = WHITE) -> np.ndarray:
    """The picture in a file, upright as its orientation says; grey becomes colour.

    Of a file with several pages it is the first: labels name one picture. `plx_train.vision.frames` reads them all.

    Args:
        background: what transparent pixels lie on, one of `BACKGROUNDS`.

    Returns:
        uint8 (H, W, 3), BGR.

    Raises:
        ImageError: the file is missing, empty, no readable picture, cut off, or has more than `max_pixels`.
    """
    path = Path(path)
    return decode_image(read_bytes(path), path, max_pixels, background)


def read_bytes(path: Path) -> np.ndarray:
    """The bytes of an image file, uint8 (size,).

    Raises:
        ImageError: as for `read_image`, save what shows only in decoding.
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except FileNotFoundError:
        raise ImageError(path, "image-missing", "there is no such image") from None
    except OSError as error:
        raise ImageError(path, "image-unreadable", f"the image can't be read ({error.strerror or error})") from None
    if data.size == 0:
        raise ImageError(path, "image-empty", "the image file is empty (0 bytes)")
    return data


def decode_image(data: np.ndarray, path: Path, max_pixels: int = MAX_PIXELS, background: str = WHITE) -> np.ndarray:
    """The picture uint8 (H, W, 3) BGR in the bytes `data` uint8 (size,) as of `read_image`; `path` is for messages.

    Raises:
        ImageError: as for `read_image`.
    """
    content = data.base if isinstance(data.base, bytes) and len(data.base) == data.size else data.tobytes()
    if content.startswith(jpeg.BEGINNING):
        return decode_jpeg(content, path, max_pixels)
    if content.startswith(png.BEGINNING):
        return decode_png(content, path, max_pixels, background)
    file = io.BytesIO(content)
    header = open_header(file, path)
    seek_page(header, path)
    check_pixels(*size_of(header, path), path, max_pixels)
    return decode_frame(header, file, path, background)


def image_size(path: Path | str) -> tuple[int, int]:
    """Height and width in pixels as `read_image` would give them, from the file's header alone.

    Raises:
        ImageError: the file is missing, empty or no picture.
    """
    path = Path(path)
    with opened(path) as file:
        return _header_size(file, path)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file of an image, open to read from.

    Raises:
        ImageError: it is missing, or can't be read.
    """
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        if path.exists():
            reason = f"the image can't be read ({error.strerror or error})"
            raise ImageError(path, "image-unreadable", reason) from None
        raise ImageError(path, "image-missing", "there is no such image") from None


def _header_size(file: BinaryIO, path: Path) -> tuple[int, int]:
    beginning = file.read(len(png.BEGINNING))
    try:
        if beginning.startswith(jpeg.BEGINNING):
            found = jpeg.read_header(file)
            return turned_size(found.height, found.width, found.orientation)
        if beginning == png.BEGINNING:
            size = png.read_size(file)
            return turned_size(size.height, size.width, size.orientation)
    except (jpeg.BrokenJpeg, png.BrokenPng) as error:
        raise damaged(path, error) from None
    file.seek(0)
    header = open_header(file, path)
    seek_page(header, path)
    return size_of(header, path)


def write_image(path: Path | str, image: np.ndarray, quality: int = 92) -> None:
    """Writes `image` uint8 (H, W, 3) BGR or (H, W) in the format of the path's suffix; folders are made.

    Args:
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        UserError: the suffix names no image format, or the file can't be written.
    """
    path = Path(path)
    options = {".webp": [cv2.IMWRITE_WEBP_QUALITY, quality], ".png": []}
    suffix = path.suffix.lower()
    try:
        encoded = cv2.imencode(suffix, image, options.get(suffix, [cv2.IMWRITE_JPEG_QUALITY, quality]))[1]
    except cv2.error:
        raise UserError(f"{path}: {suffix or 'no suffix'} names no image format, use .jpg or .png") from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise UserError(f"{path}: the image can't be written ({error.strerror or error})") from None


def as_image(given: Path | str | np.ndarray, background: str = WHITE) -> np.ndarray:
    """The picture in a file, or a given array if it is one: uint8 (H, W, 3) BGR.

    Raises:
        UserError: it is neither.
    """
    if isinstance(given, Path | str):
        return read_image(given, background=background)
    if not isinstance(given, np.ndarray):
        raise UserError(f"a picture must be a path or an array, not {type(given).__name__}")
    if given.dtype != np.uint8 or given.ndim != 3 or given.shape[2] != 3 or given.size == 0:
        raise UserError(
            f"a picture as an array must be uint8 (height, width, 3) in BGR, not {given.dtype} {given.shape}"
        )
    return given


def to_planes(image: np.ndarray, table: np.ndarray, out: np.ndarray) -> None:
    """Writes what `table` float32 (3, 256) says of each pixel value of `image` uint8 (h, w, 3) into `out` (3, h, w)."""
    for channel, row, plane in zip(cv2.split(image), table, out, strict=True):
        if cv2.LUT(channel, row, plane) is not plane:
            raise ValueError(f"{out.dtype} {out.shape} can't take the planes of an image {image.shape}")


def drawn_page() -> np.ndarray:
    """Two lines of text on white, uint8 (160, 480, 3) BGR."""
    image = white_image(160, 480)
    for line, text in enumerate(("plx_train sample", "0123456789")):
        cv2.putText(image, text, (24, 64 + 60 * line), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (0, 0, 0), 3, cv2.LINE_AA)
    return image


def white_image(height: int = 96, width: int = 320) -> np.ndarray:
    """An example of an image, uint8 (height, width, 3)."""
    return np.full((height, width, 3), 255, np.uint8)
