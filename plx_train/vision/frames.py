"""Every page of an image file: TIFF, GIF, animated WebP, PNG and AVIF can hold several."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from plx_train.vision.codecs.by_pillow import decode_frame, open_header, page_numbers, seek_page, size_of
from plx_train.vision.codecs.faults import MAX_PIXELS, check_pixels
from plx_train.vision.image import decode_image, read_bytes


def read_frames(path: Path | str, max_pixels: int = MAX_PIXELS) -> Iterator[np.ndarray]:
    """The pages of an image file, each decoded when it is asked for; a file of one picture has one.

    Yields:
        uint8 (H, W, 3), BGR, upright, transparent pixels on white, as `read_image` gives the first.

    Raises:
        ImageError: as for `read_image`; pages before a damaged one were given.
    """
    path = Path(path)
    yield from decode_frames(read_bytes(path), path, max_pixels)


def decode_frames(data: np.ndarray, path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[np.ndarray]:
    """The pages in the bytes `data` uint8 (size,), as `read_frames`; `path` is for messages."""
    header = open_header(io.BytesIO(data.tobytes()), path)
    numbers = page_numbers(header, path)
    if len(numbers) == 1:
        yield decode_image(data, path, max_pixels)
        return
    for number in numbers:
        seek_page(header, path, number)
        check_pixels(*size_of(header, path), path, max_pixels)
        yield decode_frame(header, path)


def num_frames(given: np.ndarray | Path | str) -> int:
    """How many pages a file, or its bytes uint8 (size,), has; nothing is decoded.

    Raises:
        ImageError: as for `image_size`.
    """
    path = Path("image") if isinstance(given, np.ndarray) else Path(given)
    data = given if isinstance(given, np.ndarray) else read_bytes(path)
    return len(page_numbers(open_header(io.BytesIO(data.tobytes()), path), path))
