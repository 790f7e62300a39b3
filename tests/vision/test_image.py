"""Image files of every sort and fault."""

from __future__ import annotations

import io
import pickle

import cv2
import numpy as np
import pytest
from PIL import Image

from plx_train.ground.errors import UserError
from plx_train.vision.cache import ImageCache
from plx_train.vision.image import ImageError, image_size, read_image, to_planes, write_image


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.mark.parametrize("name", ["ページ é.png", "with space.PNG", "deep/er/a.png"])
def test_lossless_round_trip_under_any_name(tmp_path, picture, name):
    write_image(tmp_path / name, picture)
    assert np.array_equal(read_image(tmp_path / name), picture)
    assert image_size(tmp_path / name) == (40, 60)


@pytest.mark.parametrize("mode", ["L", "RGBA", "1", "I;16", "P"])
def test_every_mode_comes_out_as_colour(tmp_path, mode):
    path = tmp_path / "a.png"
    Image.new(mode, (7, 5)).save(path)
    image = read_image(path)
    assert image.shape == (5, 7, 3) and image.dtype == np.uint8


def test_channels_are_blue_first(tmp_path):
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "red.png")
    assert read_image(tmp_path / "red.png")[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize(("orientation", "size"), [(1, (20, 30)), (3, (20, 30)), (6, (30, 20)), (8, (30, 20))])
def test_exif_orientation_turns_image_and_size_alike(tmp_path, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Image.new("RGB", (30, 20)).save(path, exif=exif)
    assert read_image(path).shape[:2] == size == image_size(path)


def _jpeg(side: int = 64) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return cv2.imencode(".jpg", noise)[1].tobytes()


def _claims_too_much() -> bytes:
    """A PNG of 60,000 x 60,000 pixels in a few bytes."""
    buffer = io.BytesIO()
    Image.new("1", (1, 1)).save(buffer, "png")
    data = bytearray(buffer.getvalue())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "image-empty"),
        (b"not a picture at all", "image-undecodable"),
        (_jpeg()[:-400], "image-undecodable"),
        (_jpeg()[:40], "image-undecodable"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "image-undecodable"),
        (_claims_too_much(), "image-too-large"),
        (None, "image-missing"),
    ],
)
def test_faults_are_told_in_a_sentence_with_the_path(tmp_path, content, code):
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert caught.value.code == code
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    assert isinstance(caught.value, UserError)


def test_a_folder_is_not_an_image(tmp_path):
    with pytest.raises(ImageError, match="can't be read"):
        read_image(tmp_path)


def test_the_limit_of_pixels_holds_before_decoding(tmp_path, picture):
    write_image(tmp_path / "a.png", picture)
    assert read_image(tmp_path / "a.png", max_pixels=2400).shape == (40, 60, 3)
    with pytest.raises(ImageError, match="60 x 40"):
        read_image(tmp_path / "a.png", max_pixels=2399)


def test_errors_travel_between_processes():
    error = ImageError("a.jpg", "image-empty", "empty")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.code) == (str(error), "image-empty")


def test_writing_what_cannot_be_written(tmp_path, picture):
    with pytest.raises(UserError, match="names no image format"):
        write_image(tmp_path / "a.page", picture)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written"):
        write_image(tmp_path / "file" / "a.png", picture)


def test_planes_hold_what_the_table_says_also_where_they_are_part_of_an_array():
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    table = np.random.default_rng(1).random((3, 256), np.float32)
    out = np.zeros((2, 3, 7, 12), np.float32)
    for part in (image, image[:, ::-1], image[1:5, 2:8]):
        height, width = part.shape[:2]
        to_planes(part, table, out[1, :, :height, :width])
        for channel in range(3):
            assert np.array_equal(out[1, channel, :height, :width], table[channel][part[..., channel]])
    assert not out[0].any() and not out[1, :, :, 9:].any()
    with pytest.raises(ValueError, match="can't take"):
        to_planes(image, table, np.zeros((3, 7, 10), np.float32))


def test_the_cache_keeps_what_fits_and_travels_empty():
    read: list[int] = []

    def image(number: int) -> np.ndarray:
        return cache.get(number, lambda: read.append(number) or np.full(10, number, np.uint8))

    cache = ImageCache(25)
    for number in (1, 2, 3, 3, 2, 1):
        assert image(number)[0] == number
    assert read == [1, 2, 3, 3] and cache.num_bytes == 20
    again = pickle.loads(pickle.dumps(cache))
    assert (again.max_bytes, again.num_bytes) == (25, 0)
