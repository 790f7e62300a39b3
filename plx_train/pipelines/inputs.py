"""What a pipeline takes in: paths, arrays, folders, PDF files, and lists of them, read one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.ground.errors import UserError, to_keep
from plx_train.ground.listing import files_in
from plx_train.pipelines.naming import plain_names
from plx_train.vision.image import as_image
from plx_train.vision.pages import PAGE_SUFFIXES, file_pages


@dataclass(frozen=True)
class Page:
    """One image to work on.

    Attributes:
        image: uint8 (H, W, 3) BGR.
        path: where it came from; None for an array.
        name: of the file, without suffix; may hold folders.
        index, count: of a page of a file with several, or of a PDF; None for others.
    """

    image: np.ndarray
    path: str | None
    name: str
    index: int | None = None
    count: int | None = None

    @property
    def result_name(self) -> str:
        """The name for files made of it; pages of one file have different ones."""
        return self.name if self.index is None else f"{self.name}_{self.index}"


def read_pages(given: Any, background: str = WHITE) -> Iterator[Page | UserError]:
    """The pages of an input, each read when it is asked for; an error stands in the place of what can't be read."""
    if isinstance(given, np.ndarray):
        yield _from_array(given, "image")
    elif isinstance(given, str | Path):
        yield from _from_path(Path(given), background)
    elif isinstance(given, Iterable) and not isinstance(given, bytes):
        for number, item in enumerate(given):
            if isinstance(item, np.ndarray):
                yield _from_array(item, f"image_{number}")
            else:
                yield from read_pages(item, background)
    else:
        yield UserError(f"input must be a path, an array or a list of them, not {type(given).__name__}")


def _from_array(given: np.ndarray, name: str) -> Page | UserError:
    try:
        return Page(as_image(given), None, name)
    except UserError as error:
        return to_keep(error)


def _from_path(path: Path, background: str) -> Iterator[Page | UserError]:
    if not path.is_dir():
        yield from _from_file(path, path.stem, background)
        return
    found = files_in(path, PAGE_SUFFIXES)
    if found.is_empty:
        yield UserError(f"input={path} holds no image and no PDF")
    yield from found.faults
    names = plain_names(found.files)
    for name, file in found.files.items():
        yield from _from_file(file, names[name], background)


def _from_file(path: Path, name: str, background: str) -> Iterator[Page | UserError]:
    for page in file_pages(path, background):
        yield page if isinstance(page, UserError) else Page(page.content, str(path), name, page.index, page.count)
