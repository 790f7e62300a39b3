"""Pictures that Pillow decodes: every format but plain JPEG and PNG, every kind of colour."""

from __future__ import annotations

import ctypes
import sys
import warnings
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageFile, UnidentifiedImageError

from plx_train.contract.dataset_options import WHITE
from plx_train.vision.codecs.faults import ImageError, damaged
from plx_train.vision.codecs.formats import BEGINNING_BYTES, unread
from plx_train.vision.codecs.levels import ROWS, from_16_bits, from_numbers
from plx_train.vision.codecs.orientation import TURNS, UPRIGHT, exif_orientation, turned_size, upright
from plx_train.vision.codecs.transparency import laid_on

READ = (
    *("BMP", "DIB", "TIFF", "WEBP", "GIF", "AVIF", "HEIF", "JPEG2000", "PPM", "JPEG", "MPO", "PNG"),
    *("ICO", "PCX", "PSD", "QOI", "SGI", "SUN", "TGA"),
)
"""Formats by Pillow's names; others it reads by other programs, or they are no pictures."""

PAGED = ("TIFF", "GIF", "WEBP", "PNG", "AVIF", "HEIF")
"""Formats that can hold several pages; what else a JPEG holds are previews and maps of its one picture."""

BYTES_OF_PIXEL = 8
"""The most that a format has: four channels of two bytes."""

MOST_PAGES = 100_000
"""A header of a few bytes can claim any number."""

SUBFILE_TYPE = 254
PREVIEW_OR_MASK = 0b101
"""Bits of that tag of a TIFF: such pages belong to another one."""

BITS_PER_SAMPLE, PHOTOMETRIC, ORIENTATION, WHITE_IS_ZERO = 258, 262, 274, 0
"""Tags of a TIFF, and a value."""

# There is a limit of our own, with a sentence of its own.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# What is odd about tags that nobody asks for.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def _silence_libtiff() -> None:
    """Keeps libtiff from writing to the terminal: what it has to say is an exception as well."""
    try:
        mapped = Path("/proc/self/maps").read_text().splitlines()
        library = next(line.split(maxsplit=5)[5] for line in mapped if "libtiff" in line)
        for setter in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            getattr(ctypes.CDLL(library), setter)(None)
    except (OSError, StopIteration, AttributeError):
        # Another system, or a Pillow without it: its lines do no harm.
        return


def open_header(file: BinaryIO, path: Path) -> Image.Image:
    """The first picture of an opened file, not yet decoded.

    Raises:
        ImageError: it is no picture, or one of too many pixels for Pillow.
    """
    try:
        return Image.open(file, formats=readable_formats())
    except Image.DecompressionBombError:
        reason = f"the image claims more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels"
        raise ImageError(path, "image-too-large", reason) from None
    except UnidentifiedImageError:
        file.seek(0)
        raise unread(file.read(BEGINNING_BYTES), path, readable_formats()) from None
    except Exception as error:
        # Header parsers of many formats meet bytes of any kind: what they trip over is a damaged file.
        raise damaged(path, error) from None


_switched_on = set(READ)


def restrict_formats(names: Collection[str]) -> None:
    """Lets this process read no other formats than these, by Pillow's names."""
    _switched_on.intersection_update(names)
    readable_formats.cache_clear()


@cache
def readable_formats() -> tuple[str, ...]:
    """Formats that this Pillow reads, with plug-ins that are installed, as far as they are switched on."""
    Image.init()
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        pass
    else:
        register_heif_opener()
    _silence_libtiff()
    return tuple(name for name in READ if name in Image.OPEN and name in _switched_on)


def page_numbers(header: Image.Image, path: Path) -> Sequence[int]:
    """The numbers of the frames that are pages, at least one, from headers alone.

    Raises:
        ImageError: the headers are damaged.
    """
    try:
        count = getattr(header, "n_frames", 1) if header.format in PAGED else 1
        if header.format != "TIFF" or count == 1:
            if count > MOST_PAGES:
                raise ValueError(f"it claims {count} pages")
            return range(count)
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
        return turned_size(height, width, _orientation(frame))
    except Exception as error:
        raise damaged(path, error) from None


def decode_frame(
    frame: Image.Image, file: BinaryIO, path: Path, background: str = WHITE, is_stored: bool = False
) -> np.ndarray:
    """The picture of a frame uint8 (H, W, 3) BGR, upright, transparent pixels on a background of `BACKGROUNDS`.

    Args:
        file: what the frame was opened from.
        is_stored: leaves it as it is stored instead of upright.

    Raises:
        ImageError: it is damaged, or its values are no levels of colour.
    """
    try:
        # Pillow turns a TIFF itself.
        turned = UPRIGHT if is_stored or frame.format == "TIFF" else _orientation(frame)
        tiff = _tiff_levels(frame) if frame.format == "TIFF" else TiffLevels()
        deep = deep_levels(frame, file)
        image = _colours(frame, path, background) if deep is None else _shallow(deep, tiff)
    except ImageError:
        raise
    except Exception as error:
        raise damaged(path, error) from None
    return upright(image, turned)


def checksum(file: BinaryIO) -> int:
    """A number that is the same for equal pictures; those of damaged files may raise anything."""
    found = 0
    with Image.open(file) as frame:
        for top in range(0, frame.height, ROWS):
            found = zlib.crc32(frame.crop((0, top, frame.width, min(top + ROWS, frame.height))).tobytes(), found)
    return found


def _orientation(frame: Image.Image) -> int:
    if frame.format == "TIFF":
        found = frame.tag_v2.get(ORIENTATION)  # type: ignore[attr-defined]
        return found if found in TURNS else UPRIGHT
    exif = frame.info.get("exif")
    return exif_orientation(exif) if isinstance(exif, bytes) else UPRIGHT


@dataclass(frozen=True)
class TiffLevels:
    """How a TIFF stores levels: bits of each, and whether the largest is black."""

    bits: int = 8
    is_negative: bool = False


def _tiff_levels(frame: Image.Image) -> TiffLevels:
    tags = frame.tag_v2  # type: ignore[attr-defined]
    return TiffLevels(tags.get(BITS_PER_SAMPLE, (1,))[0], tags.get(PHOTOMETRIC) == WHITE_IS_ZERO)


def deep_levels(frame: Image.Image, file: BinaryIO) -> np.ndarray | None:
    """The levels of a frame of 16 bits uint16 (H, W) or (H, W, 3) RGB; None where it has fewer, or transparency."""
    if frame.mode.startswith("I;16"):
        return np.asarray(_loaded(frame)).astype(np.uint16)
    if frame.format != "TIFF" or frame.mode != "RGB" or _tiff_levels(frame).bits != 16:
        return None
    low = _low_bytes(frame, file)
    _loaded(frame)
    return None if low is None else (np.asarray(frame).astype(np.uint16) << 8) | low


def _low_bytes(frame: Image.Image, file: BinaryIO) -> np.ndarray | None:
    """The lower bytes uint8 (H, W, 3) of 16-bit colours, of which Pillow gives the upper ones; None if it has none."""
    other = Image.open(file)
    other.seek(frame.tell())
    swapped: list[Any] = []
    tiles: list[Any] = other.tile  # type: ignore[attr-defined]
    for tile in tiles:
        mode = tile[3][0] if isinstance(tile[3], tuple) else ""
        if not str(mode).startswith("RGB;16"):
            return None
        # As if the bytes of each value stood the other way round.
        is_little = mode[-1] == "L" or (mode[-1] == "N" and sys.byteorder == "little")
        options = (f"RGB;16{'B' if is_little else 'L'}", *tile[3][1:])
        swapped.append(tile._replace(args=options) if hasattr(tile, "_replace") else (*tile[:3], options))
    other.tile = swapped  # type: ignore[attr-defined]
    return np.asarray(_loaded(other))


def _shallow(levels: np.ndarray, tiff: TiffLevels) -> np.ndarray:
    """uint8 (H, W, 3) BGR of deep levels."""
    image = from_16_bits(levels, tiff.bits if 8 < tiff.bits < 16 else None)
    if image.ndim == 3:
        return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.cvtColor(255 - image if tiff.is_negative else image, cv2.COLOR_GRAY2BGR)


def _loaded(frame: Image.Image) -> Image.Image:
    """The frame with its pixels.

    Pillow hands its decoders parts of a file, and what they leave over again with the next: where a part is less than
    a row, of a picture that is millions wide, that takes minutes.
    """
    if isinstance(frame, ImageFile.ImageFile):
        frame.decodermaxblock = max(frame.decodermaxblock, BYTES_OF_PIXEL * frame.width)
    frame.load()
    return frame


def _colours(frame: Image.Image, path: Path, background: str) -> np.ndarray:
    _loaded(frame)
    if frame.mode in ("I", "F"):
        return cv2.cvtColor(from_numbers(np.asarray(frame), path), cv2.COLOR_GRAY2BGR)
    if frame.height <= ROWS:
        return _strip_colours(frame, frame.format, background)
    out = np.empty((frame.height, frame.width, 3), np.uint8)
    for top in range(0, frame.height, ROWS):
        bottom = min(top + ROWS, frame.height)
        out[top:bottom] = _strip_colours(frame.crop((0, top, frame.width, bottom)), frame.format, background)
    return out


def _strip_colours(frame: Image.Image, file_format: str | None, background: str) -> np.ndarray:
    """uint8 (h, W, 3) BGR of some rows."""
    mode = frame.mode
    if frame.has_transparency_data:
        layers = np.asarray(frame.convert("RGBA"))
        return laid_on(background, cv2.cvtColor(layers, cv2.COLOR_RGBA2BGR), layers[..., 3])
    if mode == "LAB":
        to_rgb = (ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"))
        frame = ImageCms.profileToProfile(frame, *to_rgb, outputMode="RGB") or frame
    if mode == "CMYK" and file_format in ("JPEG", "MPO") and "adobe" not in frame.info:
        # Pillow takes all inks to be stored inverted, which only Adobe's marker says.
        frame = ImageChops.invert(frame)
    if mode in ("L", "1"):
        return cv2.cvtColor(np.asarray(frame.convert("L")), cv2.COLOR_GRAY2BGR)
    return cv2.cvtColor(np.asarray(frame.convert("RGB")), cv2.COLOR_RGB2BGR)
