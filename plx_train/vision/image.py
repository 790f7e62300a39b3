"""Reads and writes image files; whatever can be wrong with one is said in a sentence."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np

from plx_train.ground.errors import UserError
from plx_train.vision.codecs.by_pillow import decode_frame, open_header, seek_page, size_of
from plx_train.vision.codecs.faults import MAX_PIXELS, ImageError, check_pixels, damaged

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".avif"}
)
"""Of the files that count as images in a folder."""

OPENCV_FORMATS = ("JPEG", "MPO", "PNG")
"""Formats whose plain pictures OpenCV decodes: faster, and to the bits that published weights were trained on."""


def read_image(path: Path | str, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The picture in a file, upright as its orientation says; transparent pixels lie on white, grey becomes colour.

    Of a file with several pages it is the first: labels name one picture. `plx_train.vision.frames` reads them all.

    Returns:
        uint8 (H, W, 3), BGR.

    Raises:
        ImageError: the file is missing, empty, no readable picture, cut off, or has more than `max_pixels`.
    """
    path = Path(path)
    return decode_image(read_bytes(path), path, max_pixels)


def read_bytes(path: Path) -> np.ndarray:
    """The bytes of an image file, uint8 (size,).

    Raises:
        ImageError: as for `read_image`, save what shows only in decoding.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except FileNotFoundError:
        raise ImageError(path, "image-missing", "there is no such image") from None
    except OSError as error:
        raise ImageError(path, "image-unreadable", f"the image can't be read ({error.strerror or error})") from None
    if data.size == 0:
        raise ImageError(path, "image-empty", "the image file is empty (0 bytes)")
    return data


def decode_image(data: np.ndarray, path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The picture uint8 (H, W, 3) BGR in the bytes `data` uint8 (size,); `path` is for messages.

    Raises:
        ImageError: as for `read_image`.
    """
    content = data.tobytes()
    header = open_header(io.BytesIO(content), path)
    seek_page(header, path)
    check_pixels(header.height, header.width, path, max_pixels)
    if header.format not in OPENCV_FORMATS or header.has_transparency_data or header.mode not in ("RGB", "L", "P"):
        return decode_frame(header, path)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    # Some versions of OpenCV fill what is missing with grey and say nothing.
    if image is None or _is_cut_off(content):
        raise damaged(path)
    return image


def _is_cut_off(content: bytes) -> bool:
    """Whether a JPEG ends within its scan, or a PNG before its last chunk."""
    if content.startswith(b"\xff\xd8"):
        return content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda")
    return content.startswith(b"\x89PNG") and b"IEND" not in content[-64:]


def image_size(path: Path | str) -> tuple[int, int]:
    """Height and width in pixels as `read_image` would give them, from the file's header alone.

    Raises:
        ImageError: the file is missing, empty or no picture.
    """
    path = Path(path)
    try:
        header = open_header(path.open("rb"), path)
    except OSError as error:
        if path.exists():
            reason = f"the image can't be read ({error.strerror or error})"
            raise ImageError(path, "image-unreadable", reason) from None
        raise ImageError(path, "image-missing", "there is no such image") from None
    with header:
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


def as_image(given: Path | str | np.ndarray) -> np.ndarray:
    """The picture in a file, or a given array if it is one: uint8 (H, W, 3) BGR.

    Raises:
        UserError: it is neither.
    """
    if isinstance(given, Path | str):
        return read_image(given)
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
