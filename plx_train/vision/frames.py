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


class Frames:
    """The pages of an image file's bytes, each decoded when it is asked for; a file of one picture has one.

    Pages are uint8 (H, W, 3), BGR, as `read_image` gives the first.

    Attributes:
        count: of the pages.
        format: the file's, as ``TIFF``.
        builds_up: pages need those before them, as those of moving pictures do.
    """

    def __init__(self, data: np.ndarray, path: Path, max_pixels: int = MAX_PIXELS, background: str = WHITE) -> None:
        """
        Args:
            data: uint8 (size,).
            path: for messages.
            max_pixels: of a page.

        Raises:
            ImageError: as for `image_size`.
        """
        self._data, self._path, self._max_pixels, self._background = data, path, max_pixels, background
        self._file = io.BytesIO(data.tobytes())
        self._header = None if _is_jpeg(self._file) else open_header(self._file, path)
        self._numbers = [0] if self._header is None else page_numbers(self._header, path)
        self.count = len(self._numbers)
        self.format = str(self._header.format) if self._header else "JPEG"
        self.builds_up = self.format != "TIFF"

    def page(self, number: int) -> np.ndarray:
        """The page of that number, from 0.

        Raises:
            ImageError: as for `read_image`.
        """
        if self._header is None or self.count == 1:
            return decode_image(self._data, self._path, self._max_pixels, self._background)
        seek_page(self._header, self._path, self._numbers[number])
        check_pixels(*size_of(self._header, self._path), self._path, self._max_pixels)
        return decode_frame(self._header, self._file, self._path, self._background)

    def __iter__(self) -> Iterator[np.ndarray]:
        """All pages in order."""
        return map(self.page, range(self.count))


def open_frames(path: Path, background: str = WHITE) -> Frames:
    """The pages of an image file.

    Raises:
        ImageError: as for `image_size`.
    """
    return Frames(read_bytes(path), path, background=background)


def num_frames(path: Path | str) -> int:
    """How many pages a file has; nothing is decoded.

    Raises:
        ImageError: as for `image_size`.
    """
    with opened(Path(path)) as file:
        return 1 if _is_jpeg(file) else len(page_numbers(open_header(file, Path(path)), Path(path)))


def _is_jpeg(file: BinaryIO) -> bool:
    # A JPEG has one page, whatever else lies in it, and Pillow looks for more.
    beginning = file.read(len(jpeg.BEGINNING))
    file.seek(0)
    return beginning == jpeg.BEGINNING
