"""Reads and writes image files; whatever can be wrong with one is said in a sentence."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from plx_train.ground.errors import UserError

MAX_PIXELS = 100_000_000
"""Images of more pixels are not decoded: 300 MB each, and a small file can claim any size."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
"""Suffixes of the files that count as images in a folder."""

EXIF_QUARTER_TURNS = (5, 6, 7, 8)
"""Values of the EXIF tag Orientation that swap width and height."""

# This file has a limit of its own, with a sentence of its own.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class ImageError(UserError):
    """An image file that can't be read; `code` names the kind of fault, `reason` says it without the path."""

    def __init__(self, path: Path, code: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type[ImageError], tuple[Path, str, str]]:
        return ImageError, (self.path, self.code, self.reason)


def read_image(path: Path | str, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The picture in a file turned as its EXIF orientation says; grey or transparent ones as colour.

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
    # Orientation doesn't matter here, and asking a PNG for it would decode it.
    content = data.tobytes()
    height, width = _header_size(io.BytesIO(content), path, with_orientation=False)
    if height * width > max_pixels:
        reason = f"the image has {width} x {height} pixels, above the limit of {max_pixels / 1e6:.0f} million"
        raise ImageError(path, "image-too-large", reason)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    # Some versions of OpenCV fill what is missing with grey and say nothing.
    if image is None or _is_cut_off(content):
        raise ImageError(path, "image-undecodable", "the image is damaged or cut off")
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
        with path.open("rb") as file:
            return _header_size(file, path, with_orientation=True)
    except OSError as error:
        if path.exists():
            reason = f"the image can't be read ({error.strerror or error})"
            raise ImageError(path, "image-unreadable", reason) from None
        raise ImageError(path, "image-missing", "there is no such image") from None


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


def _header_size(file: BinaryIO, path: Path, with_orientation: bool) -> tuple[int, int]:
    try:
        with Image.open(file) as header:
            width, height = header.size
            orientation = header.getexif().get(ExifTags.Base.Orientation) if with_orientation else None
    except Image.DecompressionBombError:
        reason = f"the image claims more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels"
        raise ImageError(path, "image-too-large", reason) from None
    except UnidentifiedImageError:
        raise ImageError(path, "image-undecodable", "the file is not an image of a known format") from None
    except Exception as error:
        # Header parsers of many formats meet bytes of any kind: what they trip over is a damaged file.
        raise ImageError(path, "image-undecodable", f"the image is damaged or cut off ({error})") from None
    return (width, height) if orientation in EXIF_QUARTER_TURNS else (height, width)


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
