"""Images as data URIs, small enough to stand in a page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from plx_train.ground.errors import UserError
from plx_train.report.data import Picture
from plx_train.vision.image import read_image

LONGEST_SIDE = 1200
MOST_BYTES = 6_000_000
"""Bytes of all pictures of a page together; what is beyond is named, not shown."""
QUALITY = 80


@dataclass(frozen=True)
class Embedded:
    """A picture as the page shows it."""

    caption: str
    uri: str | None
    """None: it is not shown."""
    width: int
    height: int
    reason: str
    """Why it is not shown."""


@dataclass
class Budget:
    """Bytes that are left for pictures."""

    bytes_left: int = MOST_BYTES


def embed(pictures: Sequence[Picture], budget: Budget, longest: int = LONGEST_SIDE) -> Iterator[Embedded]:
    """Pictures scaled down to `longest` pixels, as JPEG, until `budget` is spent; nothing raises."""
    for picture in pictures:
        try:
            data, width, height = jpeg(picture.path, longest)
        except UserError as error:
            yield Embedded(picture.caption, None, 0, 0, str(error))
            continue
        if len(data) > budget.bytes_left:
            yield Embedded(picture.caption, None, 0, 0, f"left out to keep this page small: {picture.path}")
            continue
        budget.bytes_left -= len(data)
        uri = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
        yield Embedded(picture.caption, uri, width, height, "")


def jpeg(path: Path, longest: int = LONGEST_SIDE) -> tuple[bytes, int, int]:
    """The image at `path` scaled down, as (JPEG bytes, width, height).

    Raises:
        UserError: it can't be read.
    """
    image = read_image(path)
    scale = longest / max(image.shape[:2])
    if scale < 1.0:
        size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return encoded.tobytes(), image.shape[1], image.shape[0]
