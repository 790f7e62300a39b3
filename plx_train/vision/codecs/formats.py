"""Names of formats by what their files begin with, and what to do with a file that is not read."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from plx_train.vision.codecs.faults import ImageError, damaged

BEGINNING_BYTES = 512
"""Enough to name a format by."""

CONVERT = "convert it to PNG or JPEG"
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")

BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "PDF is"),
    (b"\xff\x0a", "JPEG XL is"),
    (b"\0\0\0\x0cJXL ", "JPEG XL is"),
    (b"II\xbc", "JPEG XR is"),
    (b"\x76\x2f\x31\x01", "OpenEXR is"),
    (b"#?RADIANCE", "Radiance HDR is"),
    (b"%!PS", "PostScript is"),
    (b"\xc5\xd0\xd3\xc6", "PostScript is"),
    (b"AT&TFORM", "DjVu is"),
    (b"DDS ", "DDS is"),
    (b"SIMPLE  =", "FITS is"),
    (b"FUJIFILMCCD-RAW", "camera raw is"),
)
"""Files that show something, and the beginning of a sentence."""

OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\0\x05\x16\x07", "the file is what macOS keeps beside another one, no image: delete it"),
    (b"version https://git-lfs", "the file is Git LFS's place holder of an image: run git lfs pull"),
    (b"PK\x03\x04", "the file is an archive, no image: unpack it"),
)


TIFF_BEGINNINGS = (b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b")
KNOWN_BEGINNINGS = (b"GIF87a", b"GIF89a", b"RIFF", b"BM", b"\0\0\0\x0cjP  ")


BY_BEGINNING: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"BM", "bmp"),
    (b"GIF8", "gif"),
    *((beginning, "tiff") for beginning in TIFF_BEGINNINGS),
    (b"%PDF-", "pdf"),
    (b"\0\0\0\x0cjP  ", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
    (b"8BPS", "psd"),
    (b"qoif", "qoi"),
    (b"\x01\xda", "sgi"),
    (b"\x59\xa6\x6a\x95", "sun"),
    (b"\0\0\x01\0", "ico"),
    *((b"P%d" % number, "ppm") for number in range(1, 8)),
)
"""Formats that can be read, by the name of the option that switches them on; two have no beginning of their own."""
TITLES = {
    **{name: name.upper() for name in ("jpeg", "png", "bmp", "gif", "tiff", "pdf", "avif", "psd", "qoi", "sgi", "ico")},
    "webp": "WebP",
    "heif": "HEIC",
    "jpeg2000": "JPEG 2000",
    "ppm": "PPM",
    "sun": "Sun raster",
    "tga": "TGA",
    "pcx": "PCX",
}
"""The same as people write them."""


def format_of(content: bytes) -> str | None:
    """The name of a file's format, as far as its beginning says it."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        return "avif" if brand in AVIF_BRANDS else "heif" if brand in HEIC_BRANDS else None
    return next((name for beginning, name in BY_BEGINNING if content.startswith(beginning)), None)


def unread(beginning: bytes, path: Path, formats: Collection[str]) -> ImageError:
    """The error of a file that begins so and that none of the `formats` that are read was made of."""
    if beginning.startswith(KNOWN_BEGINNINGS):
        return damaged(path)
    if beginning.startswith(TIFF_BEGINNINGS):
        reason = "the TIFF is damaged, cut off, or of a kind that is not read: convert it to PNG"
        return ImageError(path, "image-undecodable", reason)
    for magic, reason in OTHERS:
        if beginning.startswith(magic):
            return ImageError(path, "image-format", reason)
    for magic, subject in BEGINNINGS:
        if beginning.startswith(magic):
            return _not_read(path, subject, CONVERT)
    if beginning[4:8] == b"ftyp":
        return _of_boxes(beginning[8:12], path, formats)
    if beginning[128:132] == b"DICM":
        return _not_read(path, "DICOM is", CONVERT)
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return ImageError(path, "image-format", "the file is a web page, no image: download the image itself")
    if text.startswith(b"<") and b"<svg" in text:
        return _not_read(path, "SVG is", CONVERT)
    return ImageError(path, "image-undecodable", "the file is not an image of a known format")


def _of_boxes(brand: bytes, path: Path, formats: Collection[str]) -> ImageError:
    """What to say of a file of MP4's family."""
    if (brand in AVIF_BRANDS and "AVIF" in formats) or (brand in HEIC_BRANDS and "HEIF" in formats):
        return damaged(path)
    if brand in AVIF_BRANDS:
        return _not_read(path, "AVIF is", "install pillow 11.3 or later, or convert it to PNG or JPEG")
    if brand in HEIC_BRANDS:
        return _not_read(path, "HEIC is", "pip install 'plx_train[heic]', or convert it to PNG or JPEG")
    if brand == b"crx ":
        return _not_read(path, "camera raw is", CONVERT)
    return ImageError(path, "image-format", "the file is a video, no image")


def _not_read(path: Path, subject: str, remedy: str) -> ImageError:
    return ImageError(path, "image-format", f"{subject} not read: {remedy}")
