"""Files that are not read are named, with what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plx_train.vision.codecs import by_pillow
from plx_train.vision.image import ImageError, decode_image


def refusal(content: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode_image(np.frombuffer(content, np.uint8), Path("a.png"))
    return caught.value


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"%PDF-1.7\n", "PDF is not read: convert it to PNG or JPEG"),
        (b"\xff\x0a\x00\x00", "JPEG XL is not read: convert it to PNG or JPEG"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL is not read: convert it to PNG or JPEG"),
        (b"\x76\x2f\x31\x01\x02\0\0\0", "OpenEXR is not read: convert it to PNG or JPEG"),
        (b"#?RADIANCE\n", "Radiance HDR is not read: convert it to PNG or JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript is not read: convert it to PNG or JPEG"),
        (b"\0" * 128 + b"DICM\x02\0", "DICOM is not read: convert it to PNG or JPEG"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://w3.org/svg'/>", "SVG is not read: convert it to PNG or JPEG"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01", "camera raw is not read: convert it to PNG or JPEG"),
        (b"\0\0\0\x18ftypisom\0\0\0\x01", "the file is a video, no image"),
        (b"\n<!DOCTYPE html><html>", "the file is a web page, no image: download the image itself"),
        (b"version https://git-lfs.github.com/\n", "the file is Git LFS's place holder of an image: run git lfs pull"),
        (b"\0\x05\x16\x07\0\x02\0\0Mac OS X", "the file is what macOS keeps beside another one, no image: delete it"),
    ],
)  # fmt: skip
def test_formats_are_named_with_what_to_do(content, told):
    error = refusal(content + b"\0" * 200)
    assert (error.reason, error.code) == (told, "image-format")


@pytest.mark.parametrize(
    ("brand", "told"),
    [
        (b"heic", "HEIC is not read: pip install 'plx_train[heic]', or convert it to PNG or JPEG"),
        (b"mif1", "HEIC is not read: pip install 'plx_train[heic]', or convert it to PNG or JPEG"),
        (b"avif", "AVIF is not read: install pillow 11.3 or later, or convert it to PNG or JPEG"),
    ],
)
def test_what_a_package_is_missing_for_names_it(monkeypatch, brand, told):
    readable = tuple(name for name in by_pillow.readable_formats() if name not in ("AVIF", "HEIF"))
    monkeypatch.setattr(by_pillow, "readable_formats", lambda: readable)
    assert refusal(b"\0\0\0\x18ftyp" + brand + bytes(500)).reason == told


@pytest.mark.parametrize("content", [b"GIF89a", b"RIFF\0\0\0\0WEBPVP8 ", b"BM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_known_formats_without_a_picture_are_damaged(content):
    error = refusal(content + b"\0" * 7)
    assert error.reason.startswith("the image is damaged or cut off") and error.code == "image-undecodable"


def test_bytes_of_no_format():
    assert refusal(b"nothing at all").reason == "the file is not an image of a known format"
