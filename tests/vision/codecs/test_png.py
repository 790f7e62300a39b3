"""PNG files with faults that viewers pass over, and with faults that cost pixels."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kit.image_files import encoded, small_picture
from plx_train.vision.image import ImageError, decode_image

IMAGE = Image.fromarray(small_picture()[..., ::-1])
MODES = {"RGB": IMAGE, "L": IMAGE.convert("L"), "P": IMAGE.quantize(7), "1": IMAGE.convert("1"), "RGBA": IMAGE}
AFTER_HEADER = 33


def read(content: bytes) -> np.ndarray:
    return decode_image(np.frombuffer(content, np.uint8), Path("a.png"))


def chunk(kind: bytes, content: bytes, checksum: int | None = None) -> bytes:
    found = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", found)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("missing", [1, 4, 12, 13, 16])
def test_a_missing_end_is_no_damage(mode, missing):
    content = encoded(MODES[mode], "PNG")
    assert np.array_equal(read(content[:-missing]), read(content))


@pytest.mark.parametrize("missing", [40, 400, 1500])
def test_missing_pixels_are(missing):
    with pytest.raises(ImageError, match="damaged or cut off"):
        read(encoded(IMAGE, "PNG")[:-missing])


def interlaced(image: np.ndarray) -> bytes:
    """A PNG of `image` (H, W, 3) RGB in seven passes."""
    rows = b""
    for left, top, step, down in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                                  (1, 0, 2, 2), (0, 1, 1, 2)]:  # fmt: skip
        part = image[top::down, left::step]
        rows += b"".join(b"\0" + row.tobytes() for row in part) if part.size else b""
    size = struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8, 2, 0, 0, 1)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(48, 64), (5, 3), (1, 1), (2, 9)])
def test_passes_of_interlaced_pictures_are_counted(size):
    picture = small_picture()[: size[0], : size[1]]
    content = interlaced(np.ascontiguousarray(picture[..., ::-1]))
    assert np.array_equal(read(content), picture)
    assert np.array_equal(read(content[:-12]), picture)
    if picture.size > 1000:
        with pytest.raises(ImageError, match="damaged or cut off"):
            read(content[:-60])


def test_damage_beside_the_pixels_is_passed_over_without_a_word(capfd):
    content = encoded(IMAGE, "PNG")
    for odd in (chunk(b"iCCP", b"x\0\0broken"), chunk(b"tEXt", b"a\0b", 7), chunk(b"gAMA", b"\0\0\0\0")):
        assert np.array_equal(read(content[:AFTER_HEADER] + odd + content[AFTER_HEADER:]), read(content))
    assert capfd.readouterr().err == ""


def test_a_wrong_checksum_of_pixels_is_damage():
    content = bytearray(encoded(IMAGE, "PNG"))
    content[-20] ^= 1
    with pytest.raises(ImageError, match="the checksum of IDAT is wrong"):
        read(bytes(content))
