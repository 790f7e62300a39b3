"""The pages in what a client sent, all in memory: no temporary file is written."""

from __future__ import annotations

import base64
import binascii
import io
import mimetypes
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import cv2
import numpy as np
from PIL import Image

from plx_train.serving.fetch import is_url
from plx_train.serving.protocol import DataInfo, FileRequest, ImageRequest, PageInfo, Request
from plx_train.serving.refusal import Refusal
from plx_train.vision.image import ImageError, decode_image

PDF, IMAGE = 0, 1
TIFF_BEGINNINGS = (b"II\x2a\x00", b"MM\x00\x2a")
PDF_SCALE = 2.0
"""Pixels for each of a PDF's points, of which 72 are an inch; PaddleX renders alike."""
SMALLEST_PDF_SCALE = 0.5
_pdfium = threading.Lock()
"""PDFium must not be used by two threads."""


@dataclass(frozen=True)
class Limits:
    """What a request may hold: pixels of all its pages together, pages, a table's rows and series; whence it comes."""

    max_pixels: int
    max_pages: int
    max_rows: int
    max_series: int
    fetch: Callable[[str], bytes] | None = None
    """Reads a URL; None: URLs are refused."""


def pages_of(request: Request, limits: Limits) -> tuple[list[np.ndarray], DataInfo]:
    """The images uint8 (H, W, 3) BGR in a request's file, and what it says of them.

    Raises:
        Refusal: 422; the file can't be had or read, or is above a limit.
    """
    if isinstance(request, ImageRequest):
        image = _image(content_of(request.image, limits), limits)
        return [image], image_info(image)
    assert isinstance(request, FileRequest)
    kind = _file_type(request)
    content = content_of(request.file, limits)
    if kind == PDF:
        return _pdf(content, limits)
    if content.startswith(TIFF_BEGINNINGS):
        frames = _tiff(content, limits)
        if len(frames) > 1:
            return frames, _paged_info(frames, "tiff")
    image = _image(content, limits)
    return [image], image_info(image)


def _file_type(request: FileRequest) -> int:
    if request.fileType is not None:
        return request.fileType
    if _is_data_url(request.file):
        suffix_type = request.file.lstrip()[5:].partition(",")[0].partition(";")[0].strip().lower()
    elif not is_url(request.file):
        raise Refusal(422, "File type cannot be determined")
    else:
        try:
            suffix_type = mimetypes.guess_type(urlsplit(request.file).path)[0] or ""
        except ValueError:
            suffix_type = ""
    if suffix_type == "application/pdf":
        return PDF
    if suffix_type.startswith("image/"):
        return IMAGE
    raise Refusal(422, "Unsupported file type")


def _is_data_url(text: str) -> bool:
    """Whether a file is written as browsers do, ``data:image/png;base64,…``, which says its type."""
    return text.lstrip()[:5].lower() == "data:"


def content_of(text: str, limits: Limits) -> bytes:
    """What base64 or a URL holds.

    Raises:
        Refusal: 422; it is neither, empty, or may not be fetched.
    """
    if is_url(text):
        if limits.fetch is None:
            raise Refusal(422, "URLs are not fetched by this server: send the file as base64")
        content = limits.fetch(text)
    else:
        try:
            content = base64.b64decode(_plain_base64(text), validate=True)
        except (binascii.Error, ValueError):
            raise Refusal(422, "The file is not valid base64") from None
    if not content:
        raise Refusal(422, "The file is empty")
    return content


def _plain_base64(text: str) -> str:
    """What is to be decoded of base64 as browsers and encoders write it."""
    # A data URL says what it holds before the comma: data:image/png;base64,iVBOR…
    if _is_data_url(text):
        head, comma, text = text.partition(",")
        if not comma or not head.strip().lower().endswith(";base64"):
            raise ValueError("a data URL without base64")
        text = unquote(text)
    # Some encoders break lines, which the strict decoder would refuse.
    plain = "".join(text.split())
    # Those for URLs have two other characters, and leave out what fills up the end.
    if not re.search(r"[-_]", plain) or re.search(r"[+/]", plain):
        return plain
    plain = plain.replace("-", "+").replace("_", "/").rstrip("=")
    return plain + "=" * (-len(plain) % 4)


def _image(content: bytes, limits: Limits) -> np.ndarray:
    try:
        return decode_image(np.frombuffer(content, np.uint8), Path("image"), limits.max_pixels)
    except ImageError as error:
        raise Refusal(422, f"The file can't be used: {error.reason}") from None


def image_info(image: np.ndarray) -> DataInfo:
    """What the answer says of an image."""
    return DataInfo(width=image.shape[1], height=image.shape[0], type="image")


def _paged_info(images: list[np.ndarray], kind: Any) -> DataInfo:
    pages = [PageInfo(width=image.shape[1], height=image.shape[0]) for image in images]
    return DataInfo(numPages=len(pages), pages=pages, type=kind)


def _tiff(content: bytes, limits: Limits) -> list[np.ndarray]:
    """The pages of a TIFF, or none where it has a single one."""
    images: list[np.ndarray] = []
    left = limits.max_pixels
    try:
        with Image.open(io.BytesIO(content)) as file:
            if getattr(file, "n_frames", 1) == 1:
                return []
            for number in range(min(file.n_frames, limits.max_pages)):
                file.seek(number)
                left -= file.width * file.height
                if left < 0:
                    raise _too_many_pixels(limits)
                images.append(cv2.cvtColor(np.asarray(file.convert("RGB")), cv2.COLOR_RGB2BGR))
    except Refusal:
        raise
    except Exception:
        # A damaged file trips the parser in ways it does not list.
        raise Refusal(422, "The file can't be used: the TIFF is damaged or cut off") from None
    return images


def _too_many_pixels(limits: Limits) -> Refusal:
    return Refusal(422, f"The file's pages have more than {limits.max_pixels / 1e6:g} million pixels together")


def _pdf(content: bytes, limits: Limits) -> tuple[list[np.ndarray], DataInfo]:
    try:
        import pypdfium2
    except ImportError:
        raise Refusal(422, "PDF files are not read by this server: it lacks the package pypdfium2") from None
    with _pdfium:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError:
            raise Refusal(422, "The file is no PDF that can be read, or has a password") from None
        try:
            count = min(len(document), limits.max_pages)
            images = [_rendered(document, number, limits.max_pixels / count, limits) for number in range(count)]
        except pypdfium2.PdfiumError:
            raise Refusal(422, "The PDF is damaged") from None
        finally:
            document.close()
    if not images:
        raise Refusal(422, "The PDF has no page")
    return images, _paged_info(images, "pdf")


def _rendered(document: Any, number: int, max_pixels: float, limits: Limits) -> np.ndarray:
    page = document[number]
    try:
        width, height = page.get_size()
        # One pixel more each way: sides are rounded up.
        scale = min(PDF_SCALE, (max_pixels / max((width + 1) * (height + 1), 1.0)) ** 0.5)
        if not scale >= SMALLEST_PDF_SCALE:
            raise _too_many_pixels(limits)
        image = page.render(scale=scale).to_numpy()
        colour = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.shape[2] == 1 else image[:, :, :3]
        return np.array(colour, np.uint8)
    finally:
        page.close()
