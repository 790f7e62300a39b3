"""All pages of a file: of a PDF, and of images of the formats that can hold several."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.contract.processor import FilePage
from plx_train.ground.errors import UserError, to_keep
from plx_train.vision.codecs import jpeg, png
from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.decoders.warm import DecodedFile, decoded
from plx_train.vision.frames import Frames, open_frames
from plx_train.vision.image import IMAGE_SUFFIXES, opened
from plx_train.vision.pdf import is_pdf

PAGE_SUFFIXES = IMAGE_SUFFIXES | {".pdf"}
"""Suffixes of the files that have pages, in lower case."""


def file_pages(path: Path, background: str = WHITE) -> Generator[FilePage | UserError, None, None]:
    """The pages of a file, each read when it is asked for; an error stands in the place of what can't be read.

    Args:
        background: what transparent pixels lie on, one of `BACKGROUNDS`.
    """
    try:
        yield from _pdf_pages(path) if is_pdf(path) else _frames(path, background)
    except UserError as error:
        yield to_keep(error)


def one_picture(path: Path, background: str = WHITE) -> np.ndarray:
    """The only page of a file, uint8 (H, W, 3) BGR.

    Raises:
        UserError: it has several, or can't be read.
    """
    with closing(file_pages(path, background)) as pages:
        first = next(pages, None)
    if isinstance(first, UserError):
        raise first
    if first is None:
        raise UserError(f"{path} has no page")
    if (first.count or 1) > 1:
        raise UserError(f"{path} has {first.count} pages: take predict_pages, or a pipeline, which read them all")
    image: np.ndarray = first.content
    return image


def _pdf_pages(path: Path) -> Iterator[FilePage | UserError]:
    if not path.exists():
        raise UserError(f"{path} does not exist")
    with decoded(path, True) as document:
        if not document.count:
            yield UserError(f"{path} has no page")
        for number in range(document.count):
            try:
                page: FilePage | UserError = FilePage(document.page(number), number, document.count)
            except UserError as error:
                page = to_keep(error)
            yield page
            if document.is_lost:
                return


def _frames(path: Path, background: str) -> Iterator[FilePage | UserError]:
    if _has_plain_beginning(path):
        # Of these the readers are good, and reading is not worth a process.
        yield from _pages_of(path, open_frames(path, background))
        return
    with decoded(path, False, background) as frames:
        yield from _pages_of(path, frames)


def _has_plain_beginning(path: Path) -> bool:
    with opened(path) as file:
        beginning = file.read(len(png.BEGINNING))
    if not beginning:
        raise ImageError(path, "image-empty", "the image file is empty (0 bytes)")
    return beginning.startswith((jpeg.BEGINNING, png.BEGINNING))


def _pages_of(path: Path, frames: Frames | DecodedFile) -> Iterator[FilePage | UserError]:
    if frames.count == 1:
        yield FilePage(frames.page(0))
        return
    for number in range(frames.count):
        try:
            page = FilePage(frames.page(number), number, frames.count)
        except ImageError as error:
            ends = frames.builds_up or (isinstance(frames, DecodedFile) and frames.is_lost)
            is_last = number + 1 == frames.count or not ends
            which = f"page {number + 1}" if is_last else f"pages {number + 1} to {frames.count}"
            yield UserError(f"{path}: {which} of {frames.count} can't be read ({error.reason})")
            if ends:
                return
        else:
            yield page
