"""Decoder processes of one's own files: one is kept for the next file, and one that hangs is ended."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.ground.errors import ConfigError, UserError
from plx_train.vision.codecs.faults import MAX_PIXELS, ImageError
from plx_train.vision.decoders.process import Decoder, DecoderLost, GivenFile
from plx_train.vision.image import opened

VARIABLE = "PLX_PAGE_SECONDS"
PAGE_SECONDS = 120.0
"""Seconds that a page may take to decode, unless the variable says otherwise."""

_lock = threading.Lock()
_idle: list[Decoder] = []


class DecodedFile:
    """An open file whose pages a process decodes; made by `decoded`.

    Attributes:
        count: of its pages.
        builds_up: pages need those before them.
        is_lost: the process ended, so that no more pages come.
    """

    def __init__(self, decoder: Decoder, file: GivenFile) -> None:
        self._decoder, self._file = decoder, file
        self._seconds = _page_seconds()
        self.is_lost = False
        self.count, self.builds_up = 0, False
        with self._losing(""):
            told = decoder.open(file, self._seconds)
            self.count, self.builds_up = told.count, told.builds_up

    def page(self, number: int) -> np.ndarray:
        """Page `number`, from 0, uint8 (H, W, 3) BGR.

        Raises:
            UserError: it can't be read, or not in its time; an image's is an `ImageError`.
        """
        last = f" to {self.count}" if number + 1 < self.count else ""
        with self._losing(f"page{'s' if last else ''} {number + 1}{last} of {self.count} can't be read: "):
            return self._decoder.page(number, MAX_PIXELS, self._seconds)
        raise AssertionError

    @contextmanager
    def _losing(self, which: str) -> Iterator[None]:
        try:
            yield
        except DecoderLost as error:
            self.is_lost = True
            if error.is_start:
                raise UserError(f"{self._file.path}: {error.reason}") from None
            reason = f"{error.reason} ({VARIABLE})" if error.is_late else error.reason
            if self._file.is_pdf:
                raise UserError(f"{self._file.path}: {which}{reason}") from None
            raise ImageError(self._file.path, "image-undecodable", reason) from None


@contextmanager
def decoded(path: Path, is_pdf: bool, background: str = WHITE) -> Iterator[DecodedFile]:
    """The pages of a file, decoded by a process that is not waited for longer than a page may take.

    Args:
        background: what transparent pixels lie on, one of `BACKGROUNDS`.

    Raises:
        UserError: it can't be read.
    """
    with opened(path) as file:
        decoder = _taken()
        found: DecodedFile | None = None
        try:
            found = DecodedFile(decoder, GivenFile(file.fileno(), path, is_pdf, background))
            yield found
        finally:
            _give_back(decoder, found is None or found.is_lost)


def _taken() -> Decoder:
    with _lock:
        while _idle:
            decoder = _idle.pop()
            if decoder.is_alive:
                return decoder
            decoder.end()
    try:
        return Decoder()
    except DecoderLost as error:
        raise UserError(error.reason) from None


def _give_back(decoder: Decoder, is_lost: bool) -> None:
    if not is_lost:
        with suppress(DecoderLost, RuntimeError):
            decoder.put_away(_page_seconds())
            with _lock:
                if not _idle and not decoder.is_worn:
                    _idle.append(decoder)
                    return
    decoder.end()


def _page_seconds() -> float:
    """
    Raises:
        ConfigError: the variable holds no number of seconds.
    """
    given = os.environ.get(VARIABLE)
    try:
        seconds = PAGE_SECONDS if not given else float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise ConfigError(f"{VARIABLE}={given} must be a number of seconds above 0")
    return seconds


@atexit.register
def _end_all() -> None:
    while _idle:
        _idle.pop().end()
