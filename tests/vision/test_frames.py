"""Pages of files that can hold several, each as a picture of its own."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kit.image_files import encoded, small_picture
from plx_train.vision.frames import Frames, num_frames, open_frames
from plx_train.vision.image import ImageError, image_size, read_image

FIRST = Image.fromarray(small_picture()[..., ::-1])
PAGES = [FIRST, FIRST.rotate(180), FIRST.resize((64, 48)).convert("L").convert("RGB")]
KINDS = {"TIFF": {}, "PNG": {}, "WEBP": {"lossless": True}, "GIF": {}}
if "AVIF" in Image.SAVE:
    KINDS["AVIF"] = {"quality": 100}


def paged(kind: str, pages=PAGES, **options) -> bytes:
    return encoded(pages[0], kind, save_all=True, append_images=pages[1:], **KINDS[kind], **options)


def data(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_is_read_in_order(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(paged(kind))
    assert num_frames(path) == Frames(data(path.read_bytes()), path).count == 3
    images = list(open_frames(path))
    for image, page in zip(images, PAGES, strict=True):
        difference = np.abs(image[..., ::-1].astype(int) - np.asarray(page)).mean()
        assert difference < (12 if kind == "GIF" else 3)
    assert np.array_equal(images[0], read_image(path))


def test_a_file_of_one_picture_has_one_page(tmp_path):
    for kind in ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM"):
        path = tmp_path / kind
        path.write_bytes(encoded(FIRST, kind))
        (image,) = open_frames(path)
        assert num_frames(path) == 1 and np.array_equal(image, read_image(path))


def test_pages_may_differ_in_size_and_kind():
    pages = [Image.new("1", (30, 20), 1), Image.new("RGBA", (40, 10)), Image.new("I;16", (7, 5), 65535)]
    content = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert [image.shape for image in Frames(data(content), Path("a"))] == [(20, 30, 3), (10, 40, 3), (5, 7, 3)]
    assert all((image == 255).all() for image in Frames(data(content), Path("a")))


def test_previews_and_masks_in_a_tiff_are_no_pages(tmp_path):
    pages = []
    for size, kind in (((8, 6), 1), ((64, 48), 0), ((64, 48), 4), ((32, 24), 2)):
        page = Image.new("L", size, 200)
        page.encoderinfo = {"tiffinfo": {254: kind}}
        pages.append(page)
    path = tmp_path / "a.tif"
    path.write_bytes(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], tiffinfo={254: 1}))
    assert num_frames(path) == 2
    assert [image.shape[:2] for image in open_frames(path)] == [(48, 64), (24, 32)]
    assert read_image(path).shape[:2] == image_size(path) == (48, 64)


def test_pages_before_a_damaged_one_are_given():
    content = paged("GIF")
    images = iter(Frames(data(content[: int(len(content) * 0.6)]), Path("a.gif")))
    assert next(images).shape == (48, 64, 3)
    with pytest.raises(ImageError, match="damaged or cut off"):
        list(images)


def test_pages_are_decoded_when_they_are_asked_for():
    images = iter(Frames(data(paged("TIFF")), Path("a.tif"), max_pixels=48 * 64))
    assert next(images).shape == (48, 64, 3)
    with pytest.raises(ImageError, match="64 x 48"):
        next(iter(Frames(data(paged("TIFF")), Path("a.tif"), max_pixels=48 * 64 - 1)))


def test_what_is_no_picture_is_told(tmp_path):
    with pytest.raises(ImageError, match="no such image"):
        next(iter(open_frames(tmp_path / "a.tif")))
    with pytest.raises(ImageError, match="no such image"):
        num_frames(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes(b"II*\0 nothing")
    with pytest.raises(ImageError, match="the TIFF is damaged, cut off, or of a kind that is not read"):
        num_frames(tmp_path / "a.tif")


def test_a_claim_of_many_pages_takes_no_memory():
    content = bytearray(paged("PNG"))
    place = content.index(b"acTL")
    content[place + 4 : place + 8] = (2**31 - 1).to_bytes(4, "big")
    content[place + 12 : place + 16] = zlib.crc32(content[place : place + 12]).to_bytes(4, "big")
    with pytest.raises(ImageError, match="claims"):
        Frames(data(bytes(content)), Path("a.png"))
