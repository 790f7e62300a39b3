"""The pages in what a client sent, all in memory: no temporary file is written."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.ground.errors import UserError
from plx_train.serving.fetch import is_url
from plx_train.serving.protocol import DataInfo, FileRequest, ImageRequest, PageInfo, Request
from plx_train.serving.refusal import Refusal
from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.codecs.formats import TITLES, format_of
from plx_train.vision.decoders.process import Decoder, GivenFile, Opened
from plx_train.vision.decoders.quick import is_quick
from plx_train.vision.pdf import PageTooLarge

PDF, IMAGE = 0, 1
PERCENT_CODES = tuple(
    (code, bytes([character])) for character in b"+/= \t\r\n" for code in {b"%%%02X" % character, b"%%%02x" % character}
)
"""What is written with a percent sign in data URLs of base64."""
FILE_PAGES = 3
"""All pages of a file together have as long as so many of them."""


@dataclass(frozen=True)
class Limits:
    """What a request may hold: pixels of all its pages together, pages, a table's rows and series; whence it comes."""

    max_pixels: int
    max_pages: int
    max_rows: int
    max_series: int
    formats: tuple[str, ...]
    """Names of formats that are read, as the option has them."""
    decode_seconds: float
    """Seconds within which a page must be decoded."""
    fetch: Callable[[str], bytes] | None = None
    """Reads a URL; None: URLs are refused."""


@dataclass(frozen=True)
class SentFile:
    """What a client sent as its file.

    Attributes:
        is_pdf: it is to be read as a PDF, not as an image.
        is_quick: it can't take long to decode.
        has_one_page: a file of several is refused.
    """

    content: bytes
    is_pdf: bool
    is_quick: bool
    has_one_page: bool


def source_of(request: Request, limits: Limits) -> SentFile:
    """The file of a request.

    Raises:
        Refusal: 422; it can't be had, or is of a kind that is not read.
    """
    if isinstance(request, ImageRequest):
        kind, content = IMAGE, content_of(request.image, limits)
    else:
        assert isinstance(request, FileRequest)
        kind, content = file_type(request), content_of(request.file, limits)
    name = "pdf" if kind == PDF else format_of(content)
    if name is not None and name not in limits.formats and (name != "pdf" or kind == PDF):
        raise Refusal(422, f"{TITLES[name]} is not read by this server (serve.formats): send a PNG or JPEG")
    return SentFile(content, kind == PDF, kind == IMAGE and is_quick(content), isinstance(request, ImageRequest))


def pages_in(
    source: SentFile, decoder: Decoder, limits: Limits, background: str = WHITE
) -> tuple[list[np.ndarray], DataInfo]:
    """The images uint8 (H, W, 3) BGR in a file, and what the answer says of them.

    Args:
        background: what transparent pixels lie on, one of `BACKGROUNDS`.

    Raises:
        Refusal: 422; the file can't be read, or is above a limit.
        DecoderLost: it ended the decoder, or took too long.
    """
    until = time.monotonic() + FILE_PAGES * limits.decode_seconds

    def left() -> float:
        remaining = until - time.monotonic()
        if remaining <= 0:
            seconds = FILE_PAGES * limits.decode_seconds
            raise Refusal(422, f"The file can't be used: its pages were not decoded within {seconds:g} s")
        return min(limits.decode_seconds, remaining)

    try:
        name = Path("The file" if source.is_pdf else "image")
        opened = decoder.open(GivenFile(source.content, name, source.is_pdf, background), left(), limits.max_pixels)
        if source.has_one_page and opened.count > 1:
            raise Refusal(
                422, f"The file has {opened.count} pages, and this operation answers one image: send them one by one"
            )
        if source.is_pdf and not opened.count:
            raise Refusal(422, "The PDF has no page")
        images = _images(decoder, opened, source, limits, left)
    except PageTooLarge:
        raise _too_many_pixels(limits) from None
    except ImageError as error:
        raise Refusal(422, f"The file can't be used: {error.reason}") from None
    except UserError as error:
        raise Refusal(422, str(error)) from None
    if opened.count == 1 and not source.is_pdf:
        return images, image_info(images[0])
    return images, _paged_info(images, opened.format.lower(), opened.count, limits)


def _images(
    decoder: Decoder, opened: Opened, source: SentFile, limits: Limits, left: Callable[[], float]
) -> list[np.ndarray]:
    """The first pages of the open file, as many as are worked on.

    Raises:
        Refusal: 422; they have too many pixels together.
    """
    if opened.image is not None:
        return [opened.image]
    count, room = min(opened.count, limits.max_pages), limits.max_pixels
    # A PDF's pages are drawn as large as they may be.
    most = limits.max_pixels / count if source.is_pdf else limits.max_pixels
    images: list[np.ndarray] = []
    for number in range(count):
        image = decoder.page(number, most, left())
        room -= image.shape[0] * image.shape[1]
        if room < 0:
            raise _too_many_pixels(limits)
        images.append(image)
    return images


def file_type(request: FileRequest) -> int:
    """Whether a request's file is a PDF or an image, as it says itself.

    Raises:
        Refusal: 422; it doesn't say.
    """
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


def _plain_base64(text: str) -> bytes:
    """What is to be decoded of base64 as browsers and encoders write it.

    Raises:
        ValueError: it is none.
    """
    # A data URL says what it holds before the comma: data:image/png;base64,iVBOR…
    is_data_url = _is_data_url(text)
    if is_data_url:
        head, comma, text = text.partition(",")
        if not comma or not head.strip().lower().endswith(";base64"):
            raise ValueError("a data URL without base64")
    # No list of pieces is made anywhere here: it would take fifty times what came.
    plain = text.encode("ascii")
    if is_data_url:
        for code, character in PERCENT_CODES:
            plain = plain.replace(code, character)
    # Some encoders break lines, which the strict decoder would refuse.
    plain = plain.translate(None, b" \t\r\n\v\f")
    # Those for URLs have two other characters, and leave out what fills up the end.
    is_for_urls = b"-" in plain or b"_" in plain
    if not is_for_urls or b"+" in plain or b"/" in plain:
        return plain
    plain = plain.replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    return plain + b"=" * (-len(plain) % 4)


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
