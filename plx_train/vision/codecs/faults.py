"""What can be wrong with an image file, as one exception."""

from __future__ import annotations

from pathlib import Path

from plx_train.ground.errors import UserError

MAX_PIXELS = 100_000_000
"""Images of more pixels are not decoded: 300 MB each, and a small file can claim any size."""


class ImageError(UserError):
    """An image file that can't be read; `code` names the kind of fault, `reason` says it without the path."""

    def __init__(self, path: Path, code: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type[ImageError], tuple[Path, str, str]]:
        return ImageError, (self.path, self.code, self.reason)


def damaged(path: Path, detail: object = None) -> ImageError:
    """The error of an image whose bytes are not what its format asks for."""
    reason = "the image is damaged or cut off"
    return ImageError(path, "image-undecodable", f"{reason} ({detail})" if detail else reason)


def check_pixels(height: int, width: int, path: Path, max_pixels: int) -> None:
    """Raises ImageError where a picture has more than `max_pixels`."""
    if height * width > max_pixels:
        reason = f"the image has {width} x {height} pixels, above the limit of {max_pixels / 1e6:.0f} million"
        raise ImageError(path, "image-too-large", reason)
