"""Image files of every format and kind that is read, made of one small picture."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from PIL import Image


def small_picture() -> np.ndarray:
    """A smooth picture that is different everywhere, uint8 (48, 64, 3) BGR."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a file of Pillow's format `kind`."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def image_files() -> dict[str, bytes]:
    """A file of each format and kind, by a name."""
    picture = small_picture()
    image = Image.fromarray(picture[..., ::-1])
    grey, deep = image.convert("L"), picture.astype(np.uint16) * 257
    clear = image.copy()
    clear.putalpha(grey)
    several = {"save_all": True, "append_images": [image.rotate(90)]}
    files = {
        "jpeg": encoded(image, "JPEG"),
        "jpeg progressive": encoded(image, "JPEG", progressive=True),
        "jpeg with restarts": encoded(image, "JPEG", restart_marker_blocks=2),
        "jpeg grey": encoded(grey, "JPEG"),
        "jpeg of inks": encoded(image.convert("CMYK"), "JPEG"),
        "png": encoded(image, "PNG"),
        "png palette": encoded(image.quantize(16), "PNG"),
        "png transparent": encoded(clear, "PNG"),
        "png deep": cv2.imencode(".png", deep)[1].tobytes(),
        "png animated": encoded(image, "PNG", **several),
        "bmp": encoded(image, "BMP"),
        "gif": encoded(image, "GIF"),
        "gif animated": encoded(image, "GIF", **several),
        "webp": encoded(image, "WEBP"),
        "webp animated": encoded(clear, "WEBP", lossless=True, save_all=True, append_images=[clear.rotate(90)]),
        "tiff": encoded(image, "TIFF"),
        "tiff lzw": encoded(image, "TIFF", compression="tiff_lzw"),
        "tiff jpeg": encoded(image, "TIFF", compression="jpeg"),
        "tiff fax": encoded(image.convert("1"), "TIFF", compression="group4"),
        "tiff deep": cv2.imencode(".tif", deep)[1].tobytes(),
        "tiff fractions": encoded(Image.fromarray(picture[..., 0].astype(np.float32) / 255), "TIFF"),
        "tiff of pages": encoded(image, "TIFF", **several),
        "jpeg 2000": encoded(image, "JPEG2000"),
        "ppm": encoded(image, "PPM"),
    }
    if "AVIF" in Image.SAVE:
        files["avif"] = encoded(image, "AVIF")
    return files
