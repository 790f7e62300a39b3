"""All pages of a file: of a PDF, and of images of the formats that can hold several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.contract.processor import FilePage
from plx_train.ground.errors import UserError
from plx_train.vision.frames import num_frames, read_frames
from plx_train.vision.image import IMAGE_SUFFIXES
from plx_train.vision.pdf import is_pdf, opened_pdf

PAGE_SUFFIXES = IMAGE_SUFFIXES | {".pdf"}
"""Suffixes of the files that have pages, in lower case."""


def file_pages(path: Path, background: str = WHITE) -> Iterator[FilePage | UserError]:
    """The pages of a file, each read when it is asked for; an error stands in the place of what can't be read.

    Args:
        background: what transparent pixels lie on, one of `BACKGROUNDS`.
    """
    try:
        yield from _pdf_pages(path) if is_pdf(path) else _frames(path, background)
    except UserError as error:
        yield error


def one_picture(path: Path, background: str = WHITE) -> np.ndarray:
    """The only page of a file, uint8 (H, W, 3) BGR.

    Raises:
        UserError: it has several, or can't be read.
    """
    pages = file_pages(path, background)
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
    with opened_pdf(path, str(path)) as document:
        if not document.count:
            yield UserError(f"{path} has no page")
        for number in range(document.count):
            try:
                page: FilePage | UserError = FilePage(document.image(number), number, document.count)
            except UserError as error:
                page = error
            yield page


def _frames(path: Path, background: str) -> Iterator[FilePage | UserError]:
    count = num_frames(path)
    frames = read_frames(path, background=background)
    if count == 1:
        yield FilePage(next(frames))
        return
    for number in range(count):
        try:
            image = next(frames)
        except (UserError, StopIteration) as error:
            # Pictures of one file build on those before them.
            rest = f"page {number + 1}" if number + 1 == count else f"pages {number + 1} to {count}"
            yield UserError(f"{path}: {rest} of {count} can't be read ({getattr(error, 'reason', error) or 'cut off'})")
            return
        yield FilePage(image, number, count)
