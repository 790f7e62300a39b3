"""All pages of a file: of a PDF, and of images of the formats that can hold several."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.contract.processor import FilePage
from plx_train.ground.errors import UserError, to_keep
from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.frames import open_frames
from plx_train.vision.image import IMAGE_SUFFIXES
from plx_train.vision.pdf import is_pdf, opened_pdf

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
    with opened_pdf(path, str(path)) as document:
        if not document.count:
            yield UserError(f"{path} has no page")
        for number in range(document.count):
            try:
                page: FilePage | UserError = FilePage(document.image(number), number, document.count)
            except UserError as error:
                page = to_keep(error)
            yield page


def _frames(path: Path, background: str) -> Iterator[FilePage | UserError]:
    frames = open_frames(path, background)
    if frames.count == 1:
        yield FilePage(frames.page(0))
        return
    for number in range(frames.count):
        try:
            page: FilePage | UserError = FilePage(frames.page(number), number, frames.count)
        except ImageError as error:
            is_last = number + 1 == frames.count or not frames.builds_up
            which = f"page {number + 1}" if is_last else f"pages {number + 1} to {frames.count}"
            page = UserError(f"{path}: {which} of {frames.count} can't be read ({error.reason})")
        yield page
        if isinstance(page, UserError) and frames.builds_up:
            return
