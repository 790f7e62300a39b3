"""HEIC as phones write it, by pillow-heif: pixels, turning, sizes, several pictures, damage."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from kit.image_files import encoded, small_picture
from plx_train.vision.codecs.by_pillow import readable_formats
from plx_train.vision.frames import Frames
from plx_train.vision.image import ImageError, decode_image, image_size

pytest.importorskip("pillow_heif", reason="HEIC is read by pillow-heif: pip install 'plx_train[heic]'")
ORIENTATION = 0x0112


def heic(picture: np.ndarray, **options: object) -> bytes:
    assert "HEIF" in readable_formats()
    return encoded(Image.fromarray(picture[..., ::-1]), "HEIF", quality=90, **options)


def read(content: bytes) -> np.ndarray:
    return decode_image(np.frombuffer(content, np.uint8), Path("a.heic"))


def picture() -> np.ndarray:
    return cv2.resize(small_picture(), (128, 96))


def test_pixels_are_nearly_kept() -> None:
    assert np.abs(read(heic(picture())).astype(int) - picture()).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_upright_with_its_size(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    plain = io.BytesIO()
    Image.fromarray(picture()[..., ::-1]).save(plain, "PNG", exif=exif)
    wanted = read(plain.getvalue())
    (tmp_path / "a.heic").write_bytes(heic(picture(), exif=exif.tobytes()))
    found = read((tmp_path / "a.heic").read_bytes())
    assert found.shape == wanted.shape and np.abs(found.astype(int) - wanted).mean() < 4
    assert image_size(tmp_path / "a.heic") == wanted.shape[:2]


def test_transparent_pixels_lie_on_white() -> None:
    image = Image.fromarray(picture()[..., ::-1])
    image.putalpha(Image.new("L", image.size, 0))
    assert read(encoded(image, "HEIF", quality=90)).min() > 250


def test_all_pictures_of_a_file_are_read() -> None:
    image = Image.fromarray(picture()[..., ::-1])
    content = encoded(image, "HEIF", quality=90, save_all=True, append_images=[image.rotate(180)])
    pages = list(Frames(np.frombuffer(content, np.uint8), Path("a.heic")))
    assert len(pages) == 2
    assert np.abs(pages[1].astype(int) - picture()[::-1, ::-1]).mean() < 4


def test_damage_is_a_sentence_or_a_picture(capfd: pytest.CaptureFixture[str]) -> None:
    content = heic(picture())
    with pytest.raises(ImageError):
        read(content[: len(content) // 2])
    rng = np.random.default_rng(0)
    for _ in range(20):
        flipped = bytearray(content)
        flipped[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        try:
            assert read(bytes(flipped)).ndim == 3
        except ImageError as error:
            assert error.reason and "\n" not in error.reason
    assert capfd.readouterr().err == ""
