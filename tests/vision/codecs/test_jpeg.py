"""Whole and damaged scans of JPEG files, and kinds of colours."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from kit.image_files import encoded, small_picture
from plx_train.vision.frames import Frames
from plx_train.vision.image import ImageError, decode_image

KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 3},
    "full colour": {"subsampling": 0},
    "optimised": {"optimize": True, "quality": 95},
}
MP4 = b"\0\0\0\x18ftypmp42"


def read(content: bytes) -> np.ndarray:
    return decode_image(np.frombuffer(content, np.uint8), Path("a.jpg"))


def jpeg(kind: str = "baseline", size: tuple[int, int] = (64, 48)) -> bytes:
    image = Image.fromarray(cv2.resize(small_picture(), size)[..., ::-1])
    return encoded(image, "JPEG", **KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_is_opencvs(kind):
    content = jpeg(kind)
    assert np.array_equal(read(content), cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(64, 48), (61, 47), (7, 9), (1, 1)])
def test_a_missing_last_marker_is_no_damage(kind, size):
    content = jpeg(kind, size)
    assert np.array_equal(read(content[:-2]), read(content))
    assert np.array_equal(read(content[:-1]), read(content))
    assert np.array_equal(read(content[:-2] + MP4), read(content))


@pytest.mark.parametrize("kind", KINDS)
def test_motion_photos_are_whole(kind):
    content = jpeg(kind)
    for seed in range(20):
        video = MP4 + np.random.default_rng(seed).bytes(20_000)
        assert np.array_equal(read(content + video), read(content))


@pytest.mark.parametrize("kind", KINDS)
def test_a_scan_that_is_cut_anywhere_is_damage(kind):
    content = jpeg(kind)
    for length in range(content.index(b"\xff\xda"), len(content) - 3, 7):
        with pytest.raises(ImageError, match="damaged or cut off"):
            read(content[:length])


@pytest.mark.parametrize("kind", ["baseline", "restarts", "full colour", "optimised"])
def test_a_last_marker_behind_half_a_scan_does_not_hide_it(kind):
    content = jpeg(kind)
    start = content.index(b"\xff\xda") + 20
    for length in range(start, len(content) - 150, 97):
        with pytest.raises(ImageError, match="damaged or cut off"):
            read(content[:length].rstrip(b"\xff") + b"\xff\xd9")


def test_a_cut_behind_the_thumbnail_is_damage():
    thumbnail = jpeg(size=(16, 12))
    content = jpeg()
    segment = b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = content[:2] + segment + content[2:]
    assert np.array_equal(read(whole), read(content))
    with pytest.raises(ImageError, match="ends before its picture"):
        read(whole[: 2 + len(segment)])


def test_a_flat_grey_picture_is_whole():
    content = encoded(Image.new("RGB", (40, 40), (128, 128, 128)), "JPEG")
    assert (read(content) == 128).all()
    assert (read(content[:-2]) == 128).all()


def test_previews_are_no_pages():
    photo, other = Image.fromarray(small_picture()), Image.new("RGB", (32, 24))
    content = encoded(photo, "MPO", save_all=True, append_images=[other])
    data = np.frombuffer(content, np.uint8)
    assert Frames(data, Path("a.jpg")).count == 1
    assert [image.shape for image in Frames(data, Path("a.jpg"))] == [(48, 64, 3)]
    cut = content[: content.index(b"\xff\xd9\xff\xd8") + 30]
    assert np.array_equal(read(cut), read(content))


RED = (255, 0, 0)


def of_inks(inks: tuple[int, ...], transform: int | None) -> bytes:
    """A flat JPEG of four channels; Pillow writes them inverted, with Adobe's marker, which None takes away."""
    content = encoded(Image.new("CMYK", (16, 16), inks), "JPEG", quality=100)
    place = content.index(b"\xff\xee")
    length = int.from_bytes(content[place + 2 : place + 4], "big")
    marker = content[place : place + 2 + length]
    marker = b"" if transform is None else marker[:-1] + bytes([transform])
    return content[:place] + marker + content[place + 2 + length :]


@pytest.mark.parametrize(
    ("content", "colour"),
    [
        (of_inks((0, 255, 255, 0), 0), RED),
        (of_inks((255, 127, 127, 0), 0), (0, 128, 128)),
        # Without Adobe's marker what is stored are the inks themselves.
        (of_inks((255, 0, 0, 255), None), RED),
        # YCCK (178, 171, 0, 255) is stored: red, inverted.
        (of_inks((255 - 178, 255 - 171, 255, 0), 2), RED),
    ],
)
def test_inks_become_the_colours_that_are_printed(content, colour):
    assert np.abs(read(content)[8, 8, ::-1].astype(int) - colour).max() <= 3


@pytest.mark.parametrize(("marker", "bits", "told"), [(0xC1, 12, "JPEG of 12 bits"), (0xC3, 8, "JPEG without loss")])
def test_kinds_that_are_not_read_are_named(marker, bits, told):
    content = bytearray(jpeg())
    place = content.index(b"\xff\xc0")
    content[place + 1], content[place + 4] = marker, bits
    with pytest.raises(ImageError, match=f"{told} is not read: convert it to PNG") as caught:
        read(bytes(content))
    assert caught.value.code == "image-format"
