"""Files as people really have them, made by name: pictures, pages and tables, healthy, odd and broken."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

SIZE = (96, 72)
ORIENTATION = 0x0112
TURNED = 6
"""EXIF's word for a picture that lies on its side."""


def picture(mode: str = "RGB", number: int = 0) -> Image.Image:
    """A picture that no other number gives: a disc on a ground of another colour."""
    rng = np.random.default_rng(number)
    made = Image.new("RGB", SIZE, tuple(rng.integers(150, 255, 3).tolist()))
    draw = ImageDraw.Draw(made)
    left, top = rng.integers(0, 40, 2).tolist()
    draw.ellipse((left, top, left + 30, top + 30), fill=tuple(rng.integers(0, 100, 3).tolist()))
    return made.convert(mode)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _turned(format: str) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    return encoded(picture(number=len(format)), format, exif=exif)


def _transparent(mode: str) -> Image.Image:
    solid = np.array(picture("L"))
    alpha = Image.fromarray(np.where(solid < 128, 255, 0).astype(np.uint8))
    black = Image.new(mode.removesuffix("A"), SIZE, 0)
    black.putalpha(alpha)
    return black


def _palette() -> bytes:
    shown = Image.fromarray((np.array(picture("L")) < 128).astype(np.uint8), "P")
    shown.putpalette([0, 0, 0, 0, 0, 0])
    return encoded(shown, "PNG", transparency=0)


def _several(format: str, **options: Any) -> bytes:
    return encoded(picture(number=11), format, save_all=True, append_images=[picture(number=12)], **options)


def _wide(bits: int) -> bytes:
    ramp = np.linspace(0, 2**bits - 1, SIZE[0] * SIZE[1]).reshape(SIZE[::-1])
    return encoded(Image.fromarray(ramp.astype(np.uint16)), "PNG")


def _claimed() -> bytes:
    """A PNG whose header says 60,000 pixels a side."""
    whole = bytearray(encoded(picture(), "PNG"))
    whole[16:24] = (60_000).to_bytes(4, "big") * 2
    whole[29:33] = zlib.crc32(whole[12:29]).to_bytes(4, "big")
    return bytes(whole)


JPEG = encoded(picture(number=20), "JPEG", quality=95)
PNG = encoded(picture(number=21), "PNG")
PICTURES: dict[str, tuple[str, bytes]] = {
    "JPEG": ("a.jpg", encoded(picture(number=1), "JPEG")),
    "JPEG, progressive": ("progressive.jpg", encoded(picture(number=2), "JPEG", progressive=True)),
    "JPEG, grey": ("grey.jpg", encoded(picture("L", 3), "JPEG")),
    "JPEG, CMYK": ("cmyk.jpg", encoded(picture("CMYK", 4), "JPEG")),
    "PNG": ("a.png", encoded(picture(number=5), "PNG")),
    "PNG, 1 bit": ("bits.png", encoded(picture("1", 6), "PNG")),
    "PNG, 16 bits": ("wide.png", _wide(16)),
    "PNG, 16 bits of which 12 are used": ("twelve.png", _wide(12)),
    "BMP": ("a.bmp", encoded(picture(number=7), "BMP")),
    "TIFF": ("a.tif", encoded(picture(number=8), "TIFF")),
    "TIFF of floats from 0 to 1": (
        "float.tif",
        encoded(Image.fromarray((np.array(picture("L", 9)) / 255).astype(np.float32)), "TIFF"),
    ),
    "WebP": ("a.webp", encoded(picture(number=10), "WEBP")),
    "GIF": ("a.gif", encoded(picture(number=13), "GIF")),
    "AVIF": ("a.avif", encoded(picture(number=14), "AVIF")),
    "transparent PNG": ("clear.png", encoded(_transparent("RGBA"), "PNG")),
    "transparent PNG, grey": ("clear_grey.png", encoded(_transparent("LA"), "PNG")),
    "transparent PNG, palette": ("clear_palette.png", _palette()),
    "transparent WebP": ("clear.webp", encoded(_transparent("RGBA"), "WEBP", lossless=True)),
    "JPEG turned by its EXIF tag": ("turned.jpg", _turned("JPEG")),
    "PNG turned by its EXIF tag": ("turned.png", _turned("PNG")),
    "WebP turned by its EXIF tag": ("turned.webp", _turned("WEBP")),
    "TIFF of two pages": ("pages.tif", _several("TIFF")),
    "GIF of two frames": ("pages.gif", _several("GIF")),
    "WebP of two frames": ("pages.webp", _several("WEBP", lossless=True)),
    "PDF of two pages": ("pages.pdf", _several("PDF")),
    "motion photo: JPEG and a film": ("motion.jpg", JPEG + b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 400),
    "JPEG without its end mark": ("unended.jpg", encoded(picture(number=22), "JPEG")[:-2]),
    "PNG with bytes after its end": ("longer.png", PNG + bytes(4096)),
    "GIF called .jpg": ("renamed.jpg", encoded(picture(number=23), "GIF")),
    "name with spaces, #, % and é": ("a b#1 50%2F é.jpg", encoded(picture(number=24), "JPEG")),
    "JPEG cut in the middle": ("cut.jpg", JPEG[: len(JPEG) // 2]),
    "PNG cut in the middle": ("cut.png", PNG[: len(PNG) // 2]),
    "empty file": ("empty.jpg", b""),
    "text called .jpg": ("text.jpg", b"not a picture"),
    "macOS' ._ file": ("._a.jpg", b"\0\5\26\7Mac OS X" + bytes(100)),
    "PNG that claims 60,000 pixels a side": ("claims.png", _claimed()),
}
"""By what it is: the file's name and content."""


def lay_folder(path: Path) -> None:
    """A folder with a picture's name."""
    path.mkdir()


def lay_dead_link(path: Path) -> None:
    """A link to nothing."""
    path.symlink_to("nothing-there")


PLACES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "folder called .jpg": ("album.jpg", lay_folder),
    "link to nothing": ("dead.jpg", lay_dead_link),
}
"""What stands where a picture should: its name, and what lays it there."""
