"""Pictures that Pillow decodes: every format but plain JPEG and PNG, every kind of colour."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from plx_train.vision.codecs.faults import ImageError, damaged
from plx_train.vision.codecs.levels import from_16_bits, from_numbers
from plx_train.vision.codecs.transparency import on_white

QUARTER_TURNS = (5, 6, 7, 8)
"""Values of the EXIF tag Orientation that swap width and height."""

PAGED = ("TIFF", "GIF", "WEBP", "PNG", "AVIF", "HEIF")
"""Formats that can hold several pages; what else a JPEG holds are previews and maps of its one picture."""

SUBFILE_TYPE = 254
PREVIEW_OR_MASK = 0b101
"""Bits of that tag of a TIFF: such pages belong to another one."""

BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0
"""Tags of a TIFF, and a value."""

# There is a limit of our own, with a sentence of its own.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def open_header(file: BinaryIO, path: Path) -> Image.Image:
    """The first picture of an opened file, not yet decoded.

    Raises:
        ImageError: it is no picture, or one of too many pixels for Pillow.
    """
    try:
        return Image.open(file)
    except Image.DecompressionBombError:
        reason = f"the image claims more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels"
        raise ImageError(path, "image-too-large", reason) from None
    except UnidentifiedImageError:
        raise ImageError(path, "image-undecodable", "the file is not an image of a known format") from None
    except Exception as error:
        # Header parsers of many formats meet bytes of any kind: what they trip over is a damaged file.
        raise damaged(path, error) from None


def page_numbers(header: Image.Image, path: Path) -> list[int]:
    """The numbers of the frames that are pages, at least one, from headers alone.

    Raises:
        ImageError: the headers are damaged.
    """
    try:
        count = getattr(header, "n_frames", 1) if header.format in PAGED else 1
        if header.format != "TIFF" or count == 1:
            return list(range(count))
        pages = [number for number in range(count) if not _is_part_of_another(header, number)]
        header.seek(0)
    except Exception as error:
        raise damaged(path, error) from None
    return pages or [0]


def _is_part_of_another(header: Image.Image, number: int) -> bool:
    header.seek(number)
    kind = header.tag_v2.get(SUBFILE_TYPE, 0)  # type: ignore[attr-defined]
    return bool(kind & PREVIEW_OR_MASK)


def seek_page(header: Image.Image, path: Path, number: int | None = None) -> None:
    """Turns to the frame of this number; None: to the first page.

    Raises:
        ImageError: the headers are damaged.
    """
    try:
        if number is None:
            is_plain = header.format != "TIFF" or not _is_part_of_another(header, 0)
            number = 0 if is_plain else page_numbers(header, path)[0]
        header.seek(number)
    except ImageError:
        raise
    except Exception as error:
        raise damaged(path, error) from None


def size_of(frame: Image.Image, path: Path) -> tuple[int, int]:
    """Height and width of a frame, turned as its orientation says.

    Raises:
        ImageError: the headers are damaged.
    """
    try:
        if frame.format == "TIFF":
            # Pillow's own size is turned in some versions.
            width, height = frame.tag_v2[256], frame.tag_v2[257]  # type: ignore[attr-defined]
        else:
            width, height = frame.size
        return (width, height) if _orientation(frame) in QUARTER_TURNS else (height, width)
    except Exception as error:
        raise damaged(path, error) from None


def decode_frame(frame: Image.Image, path: Path) -> np.ndarray:
    """The picture of an opened frame uint8 (H, W, 3) BGR, upright, transparent pixels on white.

    Raises:
        ImageError: it is damaged, or its values are no levels of colour.
    """
    try:
        turned = 1 if frame.format == "TIFF" else _orientation(frame)
        bits, is_negative = _tiff_range(frame)
        frame.load()
        image = _colours(frame, bits, is_negative, path)
    except ImageError:
        raise
    except Exception as error:
        raise damaged(path, error) from None
    return upright(image, turned)


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """`image` (H, W, C) turned and mirrored as an EXIF orientation asks; values beyond 1 to 8 ask for nothing."""
    if orientation in QUARTER_TURNS:
        image = image.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _orientation(frame: Image.Image) -> int:
    found = frame.getexif().get(ExifTags.Base.Orientation)
    return found if isinstance(found, int) else 1


def _tiff_range(frame: Image.Image) -> tuple[int | None, bool]:
    """Bits of the levels where a header says fewer than 16, and whether the largest is black."""
    if frame.format != "TIFF":
        return None, False
    tags = frame.tag_v2  # type: ignore[attr-defined]
    bits = tags.get(BITS_PER_SAMPLE, (1,))[0]
    return (bits if 8 < bits < 16 else None), tags.get(PHOTOMETRIC) == WHITE_IS_ZERO


def _colours(frame: Image.Image, bits: int | None, is_negative: bool, path: Path) -> np.ndarray:
    mode = frame.mode
    if mode.startswith("I;16"):
        grey = from_16_bits(np.asarray(frame).astype(np.uint16), bits)
        return cv2.cvtColor(255 - grey if is_negative else grey, cv2.COLOR_GRAY2BGR)
    if mode in ("I", "F"):
        return cv2.cvtColor(from_numbers(np.asarray(frame), path), cv2.COLOR_GRAY2BGR)
    if frame.has_transparency_data:
        layers = np.asarray(frame.convert("RGBA"))
        return on_white(cv2.cvtColor(layers, cv2.COLOR_RGBA2BGR), layers[..., 3])
    if mode == "LAB":
        to_rgb = (ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"))
        frame = ImageCms.profileToProfile(frame, *to_rgb, outputMode="RGB") or frame
    if mode in ("L", "1"):
        return cv2.cvtColor(np.asarray(frame.convert("L")), cv2.COLOR_GRAY2BGR)
    return cv2.cvtColor(np.asarray(frame.convert("RGB")), cv2.COLOR_RGB2BGR)
