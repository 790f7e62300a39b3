"""Pictures that are millions of pixels wide, and notes that claim to be long: neither takes time or memory for it."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from plx_train.vision.image import image_size, read_image

WIDTH = 8_000_000


def test_a_picture_of_long_rows_is_read_in_one_go(tmp_path: Path) -> None:
    picture = np.zeros((2, WIDTH, 4), np.uint8)
    picture[..., 3] = 255
    Image.fromarray(picture).save(tmp_path / "wide.bmp")
    start = time.process_time()

    assert read_image(tmp_path / "wide.bmp").shape == (2, WIDTH, 3)
    assert time.process_time() - start < 1.5


def test_damaged_notes_turn_no_picture(tmp_path: Path) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (5, 3)).save(file, "PNG", exif=exif)
    content = file.getvalue()
    check = content.index(b"eXIf") + 4 + int.from_bytes(content[content.index(b"eXIf") - 4 :][:4], "big")
    for name, text in (("whole", content), ("damaged", content[:check] + b"\0\0\0\0" + content[check + 4 :])):
        (tmp_path / f"{name}.png").write_bytes(text)
        expected = (5, 3) if name == "whole" else (3, 5)
        assert image_size(tmp_path / f"{name}.png") == read_image(tmp_path / f"{name}.png").shape[:2] == expected


def test_notes_that_claim_gigabytes_take_no_memory(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (5, 3)).save(file, "PNG")
    content = file.getvalue()
    claim = struct.pack(">I", 2_000_000_000) + b"eXIf" + b"MM"
    (tmp_path / "claims.png").write_bytes(content[:33] + claim + struct.pack(">I", zlib.crc32(b"")))
    tracemalloc.start()

    assert image_size(tmp_path / "claims.png") == (3, 5)
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()
