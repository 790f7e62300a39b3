"""The pages in what a client sent, all in memory: no temporary file is written."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.ground.errors import UserError
from plx_train.serving.fetch import is_url
from plx_train.serving.protocol import DataInfo, FileRequest, ImageRequest, PageInfo, Request
from plx_train.serving.refusal import Refusal
from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.frames import Frames
from plx_train.vision.pdf import PageTooLarge, opened_pdf

PDF, IMAGE = 0, 1


@dataclass(frozen=True)
class Limits:
    """What a request may hold: pixels of all its pages together, pages, a table's rows and series; whence it comes."""

    max_pixels: int
    max_pages: int
    max_rows: int
    max_series: int
    fetch: Callable[[str], bytes] | None = None
    """Reads a URL; None: URLs are refused."""


def pages_of(request: Request, limits: Limits, background: str = WHITE) -> tuple[list[np.ndarray], DataInfo]:
    """The images uint8 (H, W, 3) BGR in a request's file, and what it says of them.

    Args:
        background: what transparent pixels lie on, one of `BACKGROUNDS`.

    Raises:
        Refusal: 422; the file can't be had or read, or is above a limit.
    """
    if isinstance(request, ImageRequest):
        frames = _opened(content_of(request.image, limits), limits, background)
        if frames.count > 1:
            raise Refusal(
                422, f"The file has {frames.count} pages, and this operation answers one image: send them one by one"
            )
        (image,) = _images(frames, limits)
        return [image], image_info(image)
    assert isinstance(request, FileRequest)
    kind = _file_type(request)
    content = content_of(request.file, limits)
    if kind == PDF:
        return _pdf(content, limits)
    frames = _opened(content, limits, background)
    images = _images(frames, limits)
    if frames.count == 1:
        return images, image_info(images[0])
    return images, _paged_info(images, frames.format.lower(), frames.count, limits)


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
    is_for_urls = "-" in plain or "_" in plain
    if not is_for_urls or "+" in plain or "/" in plain:
        return plain
    plain = plain.replace("-", "+").replace("_", "/").rstrip("=")
    return plain + "=" * (-len(plain) % 4)


def _opened(content: bytes, limits: Limits, background: str) -> Frames:
    """
    Raises:
        Refusal: 422; it is no image.
    """
    try:
        return Frames(np.frombuffer(content, np.uint8), Path("image"), limits.max_pixels, background)
    except ImageError as error:
        raise _unusable(error) from None


def _images(frames: Frames, limits: Limits) -> list[np.ndarray]:
    """The first pictures of an image file, as many as are worked on.

    Raises:
        Refusal: 422; one can't be read, or they have too many pixels together.
    """
    images: list[np.ndarray] = []
    left = limits.max_pixels
    try:
        for image in islice(frames, limits.max_pages):
            left -= image.shape[0] * image.shape[1]
            if left < 0:
                raise _too_many_pixels(limits)
            images.append(image)
    except ImageError as error:
        raise _unusable(error) from None
    return images


def _unusable(error: ImageError) -> Refusal:
    return Refusal(422, f"The file can't be used: {error.reason}")


def image_info(image: np.ndarray) -> DataInfo:
    """What the answer says of an image."""
    return DataInfo(width=image.shape[1], height=image.shape[0], type="image")


def _paged_info(images: list[np.ndarray], kind: Any, count: int, limits: Limits) -> DataInfo:
    """What the answer says of a file of `count` pages, of which `images` were read."""
    pages = [PageInfo(width=image.shape[1], height=image.shape[0]) for image in images]
    info = DataInfo(numPages=count, pages=pages, type=kind)
    if len(images) == count:
        return info
    notice = (
        f"Pages {len(images) + 1} to {count} of {count} were not read: this server reads the first "
        f"{limits.max_pages} of a file (serve.max_pages)"
    )
    return info.model_copy(update={"numPagesLeftOut": count - len(images), "notice": notice})


def _too_many_pixels(limits: Limits) -> Refusal:
    return Refusal(422, f"The file's pages have more than {limits.max_pixels / 1e6:g} million pixels together")


def _pdf(content: bytes, limits: Limits) -> tuple[list[np.ndarray], DataInfo]:
    try:
        with opened_pdf(content, "The file") as document:
            count = min(document.count, limits.max_pages)
            images = [document.image(number, limits.max_pixels / count) for number in range(count)]
            whole = document.count
    except PageTooLarge:
        raise _too_many_pixels(limits) from None
    except UserError as error:
        raise Refusal(422, str(error)) from None
    if not images:
        raise Refusal(422, "The PDF has no page")
    return images, _paged_info(images, "pdf", whole, limits)
