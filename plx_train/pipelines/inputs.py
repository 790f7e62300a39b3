"""What a pipeline takes in: paths, arrays, folders, PDF files, and lists of them, read one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.vision.image import IMAGE_SUFFIXES, as_image

SUFFIXES = (*IMAGE_SUFFIXES, ".pdf")
PDF_SCALE = 2.0
"""Pixels for each of a PDF's points, of which 72 are an inch; PaddleX renders alike."""


@dataclass(frozen=True)
class Page:
    """One image to work on.

    Attributes:
        image: uint8 (H, W, 3) BGR.
        path: where it came from; None for an array.
        name: of the file, unique within one input, without suffix; may hold folders.
        index, count: of a PDF's page; None for others.
    """

    image: np.ndarray
    path: str | None
    name: str
    index: int | None = None
    count: int | None = None

    @property
    def result_name(self) -> str:
        """The name for files made of it; pages of one PDF have different ones."""
        return self.name if self.index is None else f"{self.name}_{self.index}"


def read_pages(given: Any) -> Iterator[Page]:
    """The pages of an input, each read when it is asked for.

    Raises:
        UserError: there is no such file, or it is none that can be read.
    """
    if isinstance(given, np.ndarray):
        yield Page(as_image(given), None, "image")
    elif isinstance(given, str | Path):
        yield from _from_path(Path(given))
    elif isinstance(given, Iterable):
        for number, item in enumerate(given):
            if isinstance(item, np.ndarray):
                yield Page(as_image(item), None, f"image_{number}")
            else:
                yield from read_pages(item)
    else:
        raise UserError(f"input must be a path, an array or a list of them, not {type(given).__name__}")


def _from_path(path: Path) -> Iterator[Page]:
    if not path.is_dir():
        yield from _from_file(path, path.stem)
        return
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise UserError(f"input={path} holds no image and no PDF")
    for file in files:
        yield from _from_file(file, file.relative_to(path).with_suffix("").as_posix())


def _from_file(path: Path, name: str) -> Iterator[Page]:
    if path.suffix.lower() != ".pdf":
        yield Page(as_image(path), str(path), name)
        return
    document = _open_pdf(path)
    try:
        for index in range(len(document)):
            image = document[index].render(scale=PDF_SCALE).to_numpy()
            yield Page(np.ascontiguousarray(image[:, :, :3]), str(path), name, index, len(document))
    finally:
        document.close()


def _open_pdf(path: Path) -> Any:
    try:
        import pypdfium2
    except ImportError:
        raise UserError(f"{path}: PDF files need the package pypdfium2: pip install 'plx_train[pdf]'") from None
    try:
        return pypdfium2.PdfDocument(path)
    except FileNotFoundError:
        raise UserError(f"input={path} does not exist") from None
    except pypdfium2.PdfiumError as error:
        raise UserError(f"{path} is no PDF that can be read ({error})") from None
