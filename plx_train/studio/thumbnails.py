"""Small pictures of a dataset's images, decoded within limits, kept on disk up to a bound."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plx_train.ground.errors import UserError
from plx_train.ground.files import replacing
from plx_train.vision.codecs.faults import MAX_PIXELS
from plx_train.vision.decoders.process import Decoder, DecoderLost, GivenFile
from plx_train.vision.draw_masks import tinted
from plx_train.vision.image import opened

SIZES = (180, 420, 1600)
"""Longest sides that are made; pixels."""
MOST_SIZES = 50_000
"""Images whose sizes are kept in memory."""
SECONDS = 20.0
"""How long a picture may take to decode."""
MOST_BYTES, LOOKED_AFTER = 512 << 20, 200
"""Bound of what is kept of a dataset, and after how many new pictures it is looked after."""
COLOURS = ((13, 115, 217), (133, 114, 11), (163, 79, 122), (43, 125, 95), (92, 58, 178))
FAULTY = (24, 35, 200)
"""Colours of outlines, BGR, by class, and of those that leave the picture."""
MOST_COLOURED = 60
"""Labels that have colours of their own: texts don't."""


@dataclass(frozen=True)
class Tint:
    """The class of each pixel, to be shown in colours.

    Attributes:
        key: tells it from others, in plain values.
        count: of the classes.
        numbers: those of an image of this height and width, uint8 (H, W); raises `UserError` where nothing says them.
    """

    key: Any
    count: int
    numbers: Callable[[tuple[int, int]], np.ndarray]


class Thumbnails:
    """Makes small pictures; one process decodes, so that a file that was made to do harm does none here."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None
        self._lock = threading.Lock()
        self._made = 0
        self._sizes: dict[tuple[Path, int], tuple[int, int]] = {}

    def get(
        self, image: Path, size: int, folder: Path, marks: Iterable[Mapping[str, Any]] = (), tint: Tint | None = None
    ) -> bytes:
        """A JPEG whose longest side is `size` at most, with outlines drawn where there are any.

        Args:
            folder: where such pictures are kept.
            tint: classes of pixels; then outlines are drawn where they leave the picture alone.

        Raises:
            UserError: the image can't be read, or no such size is made.
        """
        if size not in SIZES:
            raise UserError(f"size={size}: there is {', '.join(map(str, SIZES))}")
        drawn = list(marks)
        kept = folder / f"{_key(image, size, [drawn, tint.key, tint.count] if tint else drawn)}.jpg"
        with suppress(OSError):
            return kept.read_bytes()
        picture = self._read(image)
        shape = picture.shape[0], picture.shape[1]
        scale = min(1.0, size / max(shape))
        if scale < 1:
            wanted = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
            picture = cv2.resize(picture, wanted, interpolation=cv2.INTER_AREA)
        if tint:
            with suppress(UserError):
                picture = _with_tint(picture, tint, shape)
        picture = _drawn(picture, drawn, scale, outside_alone=tint is not None)
        content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            with replacing(kept) as scratch:
                scratch.write_bytes(content)
        self._look_after(folder)
        return content

    def size_of(self, image: Path) -> tuple[int, int]:
        """Height and width; of a picture that was made already they are known.

        Raises:
            UserError: the image can't be read.
        """
        known = self._sizes.get(_state(image))
        if known:
            return known
        height, width = self._read(image).shape[:2]
        return height, width

    def mask(self, path: Path, colours: Sequence[Sequence[int] | None] = ()) -> np.ndarray:
        """The numbers in a mask's file, uint8 (H, W).

        Args:
            colours: of the classes, where its pixels have these.

        Raises:
            UserError: it can't be read.
        """
        return self._decoded(path, lambda decoder, file: decoder.mask(file, colours, SECONDS))

    def _read(self, image: Path) -> np.ndarray:
        picture = self._decoded(image, _whole)
        if len(self._sizes) >= MOST_SIZES:
            self._sizes.clear()
        self._sizes[_state(image)] = picture.shape[0], picture.shape[1]
        return picture

    def _decoded(self, image: Path, ask: Callable[[Decoder, GivenFile], np.ndarray]) -> np.ndarray:
        with self._lock, opened(image) as file:
            if self._decoder is None or self._decoder.is_worn or not self._decoder.is_alive:
                self._end()
            try:
                self._decoder = self._decoder or Decoder(MAX_PIXELS)
                return ask(self._decoder, GivenFile(file.fileno(), image, is_pdf=False))
            except DecoderLost as lost:
                self._end()
                raise UserError(f"{image.name}: {lost.reason}") from None
            except BaseException:
                # What it holds is not known.
                self._end()
                raise

    def _end(self) -> None:
        if self._decoder is not None:
            self._decoder.end()
            self._decoder = None

    def close(self) -> None:
        """Ends what decodes."""
        with self._lock:
            self._end()

    def _look_after(self, folder: Path) -> None:
        """Takes the oldest pictures away where there are too many."""
        self._made += 1
        if self._made % LOOKED_AFTER != 1:
            return
        with suppress(OSError):
            found = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(folder))
            total = sum(size for _, size, _ in found)
            for _, size, path in found:
                if total <= MOST_BYTES:
                    break
                total -= size
                Path(path).unlink(missing_ok=True)


def _whole(decoder: Decoder, file: GivenFile) -> np.ndarray:
    told = decoder.open(file, SECONDS, MAX_PIXELS)
    picture = decoder.page(0, MAX_PIXELS, SECONDS) if told.image is None else told.image
    decoder.put_away(SECONDS)
    return picture


def _state(image: Path) -> tuple[Path, int]:
    """What tells an image from what was in its place before; the time is 0 where it is gone."""
    try:
        return image, image.stat().st_mtime_ns
    except OSError:
        return image, 0


def _key(image: Path, size: int, marks: list[Any]) -> str:
    try:
        state = image.stat()
    except OSError:
        raise UserError(f"{image.name}: there is no such image") from None
    told = json.dumps([str(image), state.st_mtime_ns, state.st_size, size, marks])
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:40]


def _with_tint(picture: np.ndarray, tint: Tint, shape: tuple[int, int]) -> np.ndarray:
    """The picture of an image of this height and width in the colours of its classes."""
    # Numbers can't be mixed: between two classes lies none.
    small = cv2.resize(tint.numbers(shape), picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return tinted(picture, small, tint.count)


def _drawn(picture: np.ndarray, marks: list[Mapping[str, Any]], scale: float, outside_alone: bool) -> np.ndarray:
    names = sorted({mark["label"] for mark in marks})
    height, width = picture.shape[:2]
    thickness = 1 if max(height, width) < 300 else 2
    for mark in marks:
        corners = np.asarray(mark["points"], np.float64) * scale
        inner = np.clip(corners, 0, (width - 1, height - 1))
        is_outside = bool(np.abs(corners - inner).max() > 1 + scale)
        if outside_alone and not is_outside:
            continue
        colour = COLOURS[names.index(mark["label"]) % len(COLOURS)] if len(names) <= MOST_COLOURED else COLOURS[0]
        # What leaves the picture is shown where it leaves it.
        drawn = inner if is_outside else corners
        cv2.polylines(
            picture,
            [drawn.round().astype(np.int32)],
            isClosed=True,
            color=FAULTY if is_outside else colour,
            thickness=3 * thickness if is_outside else thickness,
            lineType=cv2.LINE_AA,
        )
    return picture
