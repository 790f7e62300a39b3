"""Colours, transparency, deep levels and orientation of every format against colours that are known."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from kit.image_files import encoded
from plx_train.vision.frames import Frames
from plx_train.vision.image import ImageError, decode_image, image_size

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (250, 200, 40))
SIDE = 16
LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}, "PPM": {}, "WEBP": {"lossless": True}}


def read(content: bytes) -> np.ndarray:
    return decode_image(np.frombuffer(content, np.uint8), Path("a"))


def patches(colours=COLOURS) -> Image.Image:
    """Squares of the colours, side by side."""
    row = np.repeat(np.asarray(colours, np.uint8), SIDE, axis=0)
    return Image.fromarray(np.broadcast_to(row, (SIDE, *row.shape)).copy())


def seen(image: np.ndarray) -> np.ndarray:
    """The colours RGB in the middle of the squares, int (N, 3)."""
    return image[SIDE // 2, SIDE // 2 :: SIDE, ::-1].astype(int)


@pytest.mark.parametrize("kind", LOSSLESS)
def test_colours_are_kept(kind):
    assert np.array_equal(seen(read(encoded(patches(), kind, **LOSSLESS[kind]))), COLOURS)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "JPEG2000", "GIF"])
def test_colours_are_nearly_kept(kind):
    assert np.abs(seen(read(encoded(patches(), kind, quality=95))) - COLOURS).max() <= 4


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_colour_spaces_of_a_tiff(mode):
    content = encoded(patches().convert(mode), "TIFF")
    assert np.abs(seen(read(content)) - COLOURS).max() <= 4


def test_lab_colours_of_a_tiff():
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(patches(), *profiles, outputMode="LAB")
    difference = np.abs(seen(read(encoded(lab, "TIFF"))) - COLOURS)
    # Pure colours are at the edge of what 8 bits of this space hold.
    assert difference.max() < 24 and difference[3:].max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_one_bit_is_black_and_white(kind):
    image = patches([(255, 255, 255), (0, 0, 0)]).convert("1")
    assert seen(read(encoded(image, kind))).tolist() == [[255] * 3, [0] * 3]


def test_fax_pages_are_black_on_white():
    image = patches([(255, 255, 255), (0, 0, 0)]).convert("1")
    for photometric in (0, 1):
        content = encoded(image, "TIFF", compression="group4", tiffinfo={262: photometric})
        assert seen(read(content)).tolist() == [[255] * 3, [0] * 3]


TALL = {
    "png with opacity": lambda image: encoded(image.convert("LA"), "PNG"),
    "gif": lambda image: encoded(image.quantize(16, dither=Image.Dither.NONE), "GIF"),
    "webp": lambda image: encoded(image.convert("RGBA"), "WEBP", lossless=True),
    "inks": lambda image: encoded(image.convert("CMYK"), "JPEG", quality=100),
    "tiff": lambda image: encoded(image, "TIFF"),
    "luma": lambda image: encoded(image.convert("YCbCr"), "TIFF"),
    "deep": lambda image: deep_png(np.asarray(image).astype(np.uint16) * 257),
}


@pytest.mark.parametrize("kind", TALL)
def test_tall_pictures_are_the_same_from_top_to_bottom(kind):
    image = patches().resize((len(COLOURS) * SIDE, 40 * SIDE + 3), Image.Resampling.NEAREST)
    picture = read(TALL[kind](image))
    assert picture.shape[0] == 643
    assert np.abs(picture.astype(int) - picture[:1]).max() <= (2 if kind == "inks" else 0)
    assert np.array_equal(seen(picture)[3:5], [[255] * 3, [0] * 3])


SHOWS = {255: 0, 0: 255, 128: 127}
"""Grey of black ink on white by its opacity."""


def ink() -> Image.Image:
    """Squares of black, of each opacity, beside one of another colour."""
    image = patches([(0, 0, 0)] * len(SHOWS)).convert("RGBA")
    image.putalpha(patches([(opacity,) * 3 for opacity in SHOWS]).convert("L"))
    return image


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "TGA"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_lie_on_white(kind, mode):
    if kind == "WEBP" and mode == "LA":
        mode = "RGBA"
    content = encoded(ink().convert(mode), kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert np.abs(seen(read(content)) - np.asarray([[grey] * 3 for grey in SHOWS.values()])).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("background", "level"), [("white", 255), ("grey", 128), ("black", 0)])
def test_another_background_can_be_named(kind, background, level):
    data = np.frombuffer(encoded(ink(), kind), np.uint8)
    assert seen(decode_image(data, Path("a"), background=background))[1].tolist() == [level] * 3
    (page,) = Frames(data, Path("a"), background=background)
    assert seen(page)[1].tolist() == [level] * 3


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_transparent_entries_of_a_palette_lie_on_white(kind):
    image = Image.new("P", (2 * SIDE, SIDE), 3)
    image.paste(4, (SIDE, 0, 2 * SIDE, SIDE))
    image.putpalette([0, 0, 0] * 8)
    assert seen(read(encoded(image, kind, transparency=3))).tolist() == [[255] * 3, [0] * 3]


def test_transparent_colours_of_a_png_lie_on_white():
    for image, clear in ((patches([(9, 8, 7), (0, 0, 0)]), (9, 8, 7)), (patches([(9,) * 3, (0,) * 3]).convert("L"), 9)):
        assert seen(read(encoded(image, "PNG", transparency=clear))).tolist() == [[255] * 3, [0] * 3]


def deep_png(levels: np.ndarray) -> bytes:
    return cv2.imencode(".png", levels.astype(np.uint16))[1].tobytes()


def deep_tiff(levels: np.ndarray) -> bytes:
    return cv2.imencode(".tif", levels.astype(np.uint16))[1].tobytes()


def test_deep_opacity_lies_on_white():
    levels = np.zeros((SIDE, 3 * SIDE, 4))
    levels[:, :SIDE, 3], levels[:, 2 * SIDE :, 3] = 0xFFFF, 0x8000
    assert np.abs(seen(read(deep_png(levels)))[:, 0] - [0, 255, 127]).max() <= 1


@pytest.mark.parametrize("write", [deep_png, deep_tiff])
@pytest.mark.parametrize("shape", [(SIDE, SIDE), (SIDE, SIDE, 3)])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_few_bits_of_many_are_read_by_the_range_that_they_use(write, shape, bits):
    levels = np.linspace(0, 2**bits - 1, SIDE * SIDE * (3 if len(shape) == 3 else 1)).reshape(shape).astype(np.uint16)
    expected = levels >> (bits - 8)
    image = read(write(levels))
    assert np.array_equal(image if len(shape) == 3 else image[..., 0], expected)
    assert image.max() == 255 and image.min() == 0


def test_a_tiff_of_packed_12_bits_is_read_by_its_header():
    dark = np.full((2, 4), 0x100, np.uint16)
    packed = bytes.fromhex("100100" * 4)
    tags = [(256, 4), (257, 2), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 2), (279, len(packed))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    content = b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + struct.pack("<H", len(tags)) + entries + bytes(4)
    assert (read(content)[..., 0] == dark >> 4).all()


def test_deep_levels_of_a_negative():
    levels = np.linspace(0, 0xFFFF, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.uint16)
    content = encoded(Image.fromarray(levels), "TIFF", tiffinfo={262: 0})
    assert np.array_equal(read(content)[..., 0], 255 - (levels >> 8))


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.25, 0.5)])
def test_fractions_are_shares_of_white(low, high):
    values = np.linspace(low, high, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.float32)
    assert np.array_equal(read(encoded(Image.fromarray(values), "TIFF"))[..., 1], np.rint(values * 255))


@pytest.mark.parametrize("values", [[-0.5, 1], [0, 812.5], [0, np.nan], [-3, 5], [0, 70000]])
def test_numbers_that_are_no_levels_are_refused(values):
    kind = np.float32 if any(isinstance(value, float) for value in values) else np.int32
    content = encoded(Image.fromarray(np.asarray([values], kind)), "TIFF")
    with pytest.raises(ImageError, match="are read, convert it to PNG"):
        read(content)


def turned(orientation: int) -> Image.Image:
    """What is stored of `UPRIGHT` for a viewer that turns it."""
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    transposes = [Image.Transpose(number) for number in range(7)]
    return UPRIGHT if orientation == 1 else UPRIGHT.transpose(transposes[back[orientation]])


UPRIGHT = Image.fromarray(np.kron(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40, np.ones((16, 16), np.uint8)))
ORIENTED = {"JPEG": {"quality": 95}, "PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}
if "AVIF" in Image.SAVE:
    ORIENTED["AVIF"] = {"quality": 100}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ORIENTED)
def test_every_orientation_is_followed_by_pictures_and_sizes(tmp_path, kind, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    # TIFF and TIFF with compression are decoded by different parts of Pillow.
    for more in ({}, {"compression": "tiff_lzw"}) if kind == "TIFF" else ({},):
        path = tmp_path / "a"
        path.write_bytes(encoded(turned(orientation).convert("RGB"), kind, exif=exif, **ORIENTED[kind], **more))
        image = read(path.read_bytes())
        assert image.shape[:2] == (32, 48) == image_size(path)
        difference = np.abs(image[..., 0].astype(int) - np.asarray(UPRIGHT))
        assert np.median(difference) <= 2 and difference.mean() < 6


def test_an_orientation_behind_the_pixels_of_a_png_is_followed(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    content = encoded(turned(6), "PNG", exif=exif)
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    moved = content[:start] + content[end:-12] + content[start:end] + content[-12:]
    (tmp_path / "a").write_bytes(moved)
    assert np.array_equal(read(moved)[..., 0], np.asarray(UPRIGHT))
    assert image_size(tmp_path / "a") == (32, 48)


@pytest.mark.parametrize(
    "exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_exif_that_makes_no_sense_turns_nothing(exif):
    buffer = io.BytesIO()
    UPRIGHT.save(buffer, "JPEG")
    content = buffer.getvalue()
    content = content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]
    assert read(content).shape == (32, 48, 3)
