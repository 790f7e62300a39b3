"""Picture files of every format that is read: their size, their first picture and all of their pages."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.cases import Case
from fuzzing.reader import Reader, Wrong

DECODERS = "plx_train.vision.decoders"
"""Processes that decode files of strangers."""
TOKENS = (
    *(
        b"\xff\xd8\xff",
        b"\xff\xda",
        b"\xff\xc0",
        b"\xff\xc4",
        b"\xff\xdb",
        b"\xff\xe1",
        b"\xff\xdd",
        b"Exif\0\0",
        b"ICC_PROFILE\0",
    ),
    *(
        b"RIFF",
        b"WEBP",
        b"VP8 ",
        b"VP8L",
        b"VP8X",
        b"ANIM",
        b"ANMF",
        b"ALPH",
        b"GIF89a",
        b"\x21\xf9\x04",
        b"NETSCAPE2.0",
    ),
    *(
        b"II*\0",
        b"MM\0*",
        b"II+\0",
        b"\x00\x01\x01\x00",
        b"ftyp",
        b"avif",
        b"heic",
        b"meta",
        b"iloc",
        b"ihdr",
        b"jp2c",
        b"jp2h",
    ),
    *(b"\xff\x4f\xff\x51", b"\xff\x52", b"\xff\x5c", b"\xff\x93", b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"fcTL", b"acTL"),
    *(b"BM", b"P1\n", b"P4\n", b"P5\n", b"P6\n", b"P7\n", b"65535\n", b"4294967295 4294967295\n", b"8BPS", b"qoif"),
)
SUFFIXES = {
    "JPEG2000": ".jp2",
    "JPEG": ".jpg",
    "TIFF": ".tif",
    "PPM": ".ppm",
    "AVIF": ".avif",
    "ICO": ".ico",
    "TGA": ".tga",
    "PCX": ".pcx",
    "SGI": ".sgi",
    "QOI": ".qoi",
}


def encoded(image: Any, kind: str, **options: Any) -> bytes:
    """The bytes of a file of Pillow's format `kind`."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def seeds(folder: Path) -> dict[str, Case]:
    """A small picture in every format and kind of colour that Pillow and OpenCV write."""
    import cv2
    from PIL import Image

    Image.init()
    picture = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    image = Image.fromarray(picture)
    grey, clear = image.convert("L"), image.convert("RGBA")
    clear.putalpha(grey)
    fractions = Image.fromarray(picture[..., 0].astype(np.float32) / 255)
    turned = Image.Exif()
    turned[274] = 6
    several: dict[str, Any] = {"save_all": True, "append_images": [image.rotate(90), image.rotate(180)]}
    kinds: list[tuple[Any, str, dict[str, Any]]] = [
        (image, "JPEG", {}),
        (image, "JPEG", {"progressive": True, "exif": turned}),
        (grey, "JPEG", {"quality": 40}),
        (image, "JPEG", {"restart_marker_blocks": 1, "subsampling": 2}),
        (image.convert("CMYK"), "JPEG", {}),
        (image, "PNG", {"exif": turned}),
        (image.quantize(8), "PNG", {"transparency": 1}),
        (clear, "PNG", {}),
        (image.convert("1"), "PNG", {}),
        (image, "PNG", several),
        (image, "BMP", {}),
        (image.quantize(8), "BMP", {}),
        (image, "GIF", {}),
        (image, "GIF", several),
        (image, "WEBP", {}),
        (clear, "WEBP", {"lossless": True}),
        (clear, "WEBP", {**several, "lossless": True}),
        (image, "TIFF", {}),
        (image, "TIFF", {"compression": "tiff_lzw"}),
        (image, "TIFF", {"compression": "jpeg"}),
        (image, "TIFF", {"compression": "tiff_adobe_deflate"}),
        (image, "TIFF", {"compression": "packbits"}),
        (image.convert("1"), "TIFF", {"compression": "group4"}),
        (image.convert("1"), "TIFF", {"compression": "group3"}),
        (fractions, "TIFF", {}),
        (clear, "TIFF", several),
        (image.convert("CMYK"), "TIFF", {}),
        (image, "JPEG2000", {}),
        (clear, "JPEG2000", {"irreversible": True}),
        (image, "PPM", {}),
        (grey, "PPM", {}),
        (image.convert("1"), "PPM", {}),
        (image, "ICO", {}),
        (image, "TGA", {}),
        (image, "TGA", {"compression": "tga_rle"}),
        (image, "PCX", {}),
        (image, "SGI", {}),
    ]
    if "AVIF" in Image.SAVE:
        kinds += [(image, "AVIF", {}), (image, "AVIF", several)]
    if "QOI" in Image.SAVE:
        kinds.append((image, "QOI", {}))
    found = {}
    for number, (one, kind, options) in enumerate(kinds):
        name = f"picture{SUFFIXES.get(kind, '.' + kind.lower())}"
        found[f"{number:02}-{kind.lower()}"] = {name: encoded(one, kind, **options)}
    deep = picture.astype(np.uint16) * 257
    for suffix in (".png", ".tif"):
        found[f"deep{suffix}"] = {f"picture{suffix}": cv2.imencode(suffix, deep)[1].tobytes()}
    return found


def run(folder: Path) -> str:
    """Reads the case's file as datasets, pipelines and predictors do."""
    from plx_train.ground.errors import UserError
    from plx_train.vision.image import image_size, read_image
    from plx_train.vision.pages import file_pages

    path = next(iter(sorted(folder.iterdir())), folder / "missing.png")
    try:
        size = image_size(path)
    except UserError:
        size = None
    pages = []
    for page in file_pages(path):
        pages.append(page if isinstance(page, UserError) else page.content.shape)
        if len(pages) == 4:
            break
    image = read_image(path)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise Wrong(f"a picture {image.dtype} {image.shape}")
    if size is not None and image.shape[:2] != tuple(size):
        raise Wrong("the header says another size than the picture has")
    return f"{len(pages)} {sum(isinstance(page, UserError) for page in pages)}"


READER = Reader("images", seeds, run, TOKENS, seconds=20.0, programs=(DECODERS,))
