"""Every page of an image file: TIFF, GIF, animated WebP, PNG and AVIF can hold several."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.vision.codecs import jpeg
from plx_train.vision.codecs.by_pillow import decode_frame, open_header, page_numbers, seek_page, size_of
from plx_train.vision.codecs.faults import MAX_PIXELS, check_pixels
from plx_train.vision.image import decode_image, opened, read_bytes


def read_frames(path: Path | str, max_pixels: int = MAX_PIXELS, background: str = WHITE) -> Iterator[np.ndarray]:
    """The pages of an image file, each decoded when it is asked for; a file of one picture has one.

    Yields:
        uint8 (H, W, 3), BGR, as `read_image` gives the first.

    Raises:
        ImageError: as for `read_image`; pages before a damaged one were given.
    """
    path = Path(path)
    yield from decode_frames(read_bytes(path), path, max_pixels, background)


def decode_frames(
    data: np.ndarray, path: Path, max_pixels: int = MAX_PIXELS, background: str = WHITE
) -> Iterator[np.ndarray]:
    """The pages in the bytes `data` uint8 (size,), as `read_frames`; `path` is for messages."""
    file = io.BytesIO(data.tobytes())
    numbers = _page_numbers(file, path)
    if len(numbers) == 1:
        yield decode_image(data, path, max_pixels, background)
        return
    header = open_header(file, path)
    for number in numbers:
        seek_page(header, path, number)
        check_pixels(*size_of(header, path), path, max_pixels)
        yield decode_frame(header, file, path, background)


def num_frames(given: np.ndarray | Path | str) -> int:
    """How many pages a file, or its bytes uint8 (size,), has; nothing is decoded.

    Raises:
        ImageError: as for `image_size`.
    """
    if isinstance(given, np.ndarray):
        return len(_page_numbers(io.BytesIO(given.tobytes()), Path("image")))
    with opened(Path(given)) as file:
        return len(_page_numbers(file, Path(given)))


def _page_numbers(file: BinaryIO, path: Path) -> list[int]:
    # A JPEG has one, whatever else lies in it, and Pillow looks for more.
    is_jpeg = file.read(len(jpeg.BEGINNING)) == jpeg.BEGINNING
    file.seek(0)
    return [0] if is_jpeg else page_numbers(open_header(file, path), path)
