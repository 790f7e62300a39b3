"""Pages of PDF files as pictures, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plx_train.ground.errors import UserError
from plx_train.vision.codecs.faults import MAX_PIXELS

PDF_SCALE = 2.0
"""Pixels for each of a PDF's points, of which 72 are an inch; PaddleX renders alike."""
SMALLEST_PDF_SCALE = 0.5
BEGINNING = b"%PDF-"
_pdfium = threading.RLock()
"""PDFium must not be used by two threads."""


class PageTooLarge(UserError):
    """A page that has too many pixels even at the smallest scale."""


class PdfPages:
    """An open PDF file; made by `opened_pdf`."""

    def __init__(self, document: Any, name: str) -> None:
        self._document = document
        self._name = name
        with _pdfium:
            self.count: int = len(document)
            """How many pages it has."""

    def image(self, number: int, max_pixels: float = MAX_PIXELS) -> np.ndarray:
        """Page `number`, from 0, uint8 (H, W, 3) BGR; a page of more than `max_pixels` at the usual scale is smaller.

        Raises:
            PageTooLarge: it has more at half a pixel a point too.
            UserError: it can't be read.
        """
        import pypdfium2

        with _pdfium:
            try:
                page = self._document[number]
                try:
                    return self._rendered(page, number, max_pixels)
                finally:
                    page.close()
            except (pypdfium2.PdfiumError, ValueError, MemoryError) as error:
                told = f"{self._name}: page {number + 1} of {self.count} can't be read ({error})"
                raise UserError(told) from None

    def _rendered(self, page: Any, number: int, max_pixels: float) -> np.ndarray:
        width, height = page.get_size()
        # One pixel more each way: sides are rounded up.
        scale = min(PDF_SCALE, (max_pixels / max((width + 1) * (height + 1), 1.0)) ** 0.5)
        if not scale >= SMALLEST_PDF_SCALE:
            raise PageTooLarge(
                f"{self._name}: page {number + 1} of {self.count} is {width:.0f} x {height:.0f} points large, which "
                f"are more than {max_pixels / 1e6:g} million pixels"
            )
        bitmap = page.render(scale=scale)
        try:
            pixels = bitmap.to_numpy()
            colour = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if pixels.shape[2] == 1 else pixels[:, :, :3]
            return np.array(colour, np.uint8)
        finally:
            bitmap.close()


@contextmanager
def opened_pdf(source: Path | bytes | Any, name: str) -> Iterator[PdfPages]:
    """The pages of a PDF file, or of its bytes, which an array of ctypes may be; `name` is for messages.

    Raises:
        UserError: it can't be read, or the package for it is not there.
    """
    try:
        import pypdfium2
    except ImportError:
        raise UserError(f"{name}: PDF files need the package pypdfium2: pip install 'plx_train[pdf]'") from None
    with _pdfium:
        try:
            document = _with_forms(pypdfium2.PdfDocument(source))
        except FileNotFoundError:
            raise UserError(f"{name} does not exist") from None
        except (pypdfium2.PdfiumError, OSError) as error:
            raise UserError(f"{name} is no PDF that can be read ({error})") from None
    try:
        yield PdfPages(document, name)
    finally:
        with _pdfium:
            document.close()


def _with_forms(document: Any) -> Any:
    """The document with what was filled into its forms; closed where that fails."""
    try:
        document.init_forms()
    except BaseException:
        document.close()
        raise
    return document


def is_pdf(path: Path) -> bool:
    """Whether a file is a PDF by its suffix, or begins like one."""
    if path.suffix.lower() == ".pdf":
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(BEGINNING)) == BEGINNING
    except OSError:
        return False
