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


def scan_of(content: bytes) -> int:
    """Where the data of the first scan begin."""
    place = content.index(b"\xff\xda")
    return place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")


@pytest.mark.parametrize("kind", ["baseline", "restarts", "full colour", "optimised"])
@pytest.mark.parametrize(
    "marker", [b"\xff\xe1\0\4ab", b"\xff\xfe\0\4ab", b"\xff\xd3", b"\xff\x02", b"\xff\xc4\xff\xff"]
)
def test_half_a_scan_is_damage_whatever_marker_comes_behind(kind, marker, capfd):
    content = jpeg(kind)
    half = content[: (scan_of(content) + len(content)) // 2].rstrip(b"\xff")
    for behind in (b"", content[len(half) : -2].replace(b"\xff", b"\xfe"), bytes(range(200)) * 20):
        with pytest.raises(ImageError):
            read(half + marker + behind + b"\xff\xd9")
    assert "Premature" not in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["baseline", "restarts", "optimised"])
def test_segments_behind_a_whole_scan_are_no_damage(kind):
    content = jpeg(kind)
    for behind in (b"\xff\xe1\0\4ab\xff\xd9", b"\xff\xfe\0\4ab", b"\xff\xfe\xff\xff"):
        assert np.array_equal(read(content[:-2] + behind), read(content))


def restarts_of(content: bytes) -> list[int]:
    start = scan_of(content)
    return [
        place for place in range(start, len(content) - 2) if content[place] == 255 and 0xD0 <= content[place + 1] < 0xD8
    ]


def test_restarts_that_are_missing_or_out_of_turn_are_damage():
    content = jpeg("restarts")
    places = restarts_of(content)
    assert len(places) == 3
    swapped = bytearray(content)
    swapped[places[0] + 1], swapped[places[1] + 1] = swapped[places[1] + 1], swapped[places[0] + 1]
    lost = content[: places[1]] + content[places[2] :]
    short = content[: places[1]] + content[places[1] + 2 : places[2]] + content[places[2] + 2 :]
    for damaged in (bytes(swapped), lost, short):
        with pytest.raises(ImageError):
            read(damaged)
    assert np.array_equal(read(content[:-2] + b"\xff\xd3\xff\xd9"), read(content))


RESTARTS: list[dict[str, object]] = [
    {"restart_marker_blocks": 1},
    {"restart_marker_blocks": 2, "subsampling": 1},
    {"restart_marker_rows": 1},
    {"restart_marker_blocks": 3, "progressive": True},
    {"restart_marker_blocks": 5, "subsampling": 2},
]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("size", [(64, 48), (61, 47), (17, 16), (16, 17), (1, 1), (8, 300)])
def test_restarts_of_whole_pictures_are_all_there(mode, size):
    image = Image.fromarray(cv2.resize(small_picture(), size)).convert(mode)
    for given in RESTARTS:
        read(encoded(image, "JPEG", **given))


def test_progressive_scans_that_are_missing_are_damage():
    content = jpeg("progressive")
    scans = [place for place in range(len(content)) if content.startswith(b"\xff\xda", place)]
    with pytest.raises(ImageError):
        read(content[: (scans[1] + scans[2]) // 2] + b"\xff\xd9")
