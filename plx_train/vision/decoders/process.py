"""A decoder process as the one sees it that started it: files in, pages out, within limits."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.dataset_options import WHITE
from plx_train.vision.codecs.faults import MAX_PIXELS
from plx_train.vision.decoders.memory import SharedMemory, memory_of, new_memory
from plx_train.vision.decoders.messages import fault_of, receive, send
from plx_train.vision.decoders.starting import how_ended, started

START_SECONDS = 60.0
"""How long a process may take to come up, on a machine that has much else to do."""
COPIED_FILE, COPIED_PAGE = 16 << 20, 48 << 20
"""Files and pages of fewer bytes go through memory that is used again, which is quicker than memory that is new."""


class DecoderLost(Exception):
    """A decoder process that ended or was ended.

    Attributes:
        reason: what is said of its file.
        is_start: it never came up.
        is_late: its time was over.
    """

    def __init__(self, reason: str, is_start: bool = False, is_late: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.is_start, self.is_late = reason, is_start, is_late


@dataclass(frozen=True)
class Opened:
    """What a file holds: `count` pages, each of which needs those before it where it `builds_up`.

    Attributes:
        image: the only page of a picture that was decoded at once and is closed again, uint8 (H, W, 3) BGR.
    """

    count: int
    format: str
    builds_up: bool
    image: np.ndarray | None = None


@dataclass(frozen=True)
class GivenFile:
    """A file that is to be decoded.

    Attributes:
        source: its content, or a handle of it.
        path: for messages.
    """

    source: bytes | int
    path: Path
    is_pdf: bool
    background: str = WHITE


MOST_FILES = 2000
"""Files after which a decoder gives way to a new one: libraries lose memory."""


class Decoder:
    """One process; after `DecoderLost` it is gone.

    Attributes:
        num_files: that it was given.
    """

    def __init__(self, max_pixels: int = MAX_PIXELS, formats: Collection[str] | None = None) -> None:
        """
        Args:
            max_pixels: of a page.
            formats: of images that are read, by Pillow's names; None: all.

        Raises:
            DecoderLost: the system starts no process.
        """
        self.num_files = 0
        self.max_pixels = max_pixels
        self._memory: SharedMemory | None = None
        self._letters: SharedMemory | None = None
        self._is_ready = self._is_open = False
        self._path = Path()
        try:
            self._line, theirs = socket.socketpair()
            with theirs:
                self._process = started(theirs.fileno(), max_pixels, formats)
        except OSError as error:
            raise DecoderLost(f"no process to decode in can be started ({error.strerror or error})", True) from None

    @property
    def process_id(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def is_worn(self) -> bool:
        """Whether it has had so many files that a new one is better."""
        return self.num_files >= MOST_FILES

    @property
    def is_alive(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def ready(self) -> None:
        """Waits until it has come up.

        Raises:
            DecoderLost: it did not.
        """
        if self._is_ready:
            return
        try:
            self._ask({}, (), START_SECONDS, is_first=True)
        except DecoderLost as error:
            raise DecoderLost(f"no process to decode in comes up ({error.reason})", True) from None
        self._is_ready = True

    def open(self, file: GivenFile, seconds: float, max_pixels: float | None = None) -> Opened:
        """Opens a file, in the place of the one before.

        Args:
            max_pixels: a picture of one page is decoded with it, at most so large, and closed: asking once is quicker.

        Raises:
            UserError: it can't be read; an image's is an `ImageError`.
            DecoderLost: the process ended, or was not done in so many seconds.
        """
        self.ready()
        self.num_files += 1
        self._path, self._is_open = file.path, True
        asked = {
            "do": "open",
            "is_pdf": file.is_pdf,
            "name": str(file.path),
            "max_pixels": self.max_pixels,
            "background": file.background,
        }
        wants_page = max_pixels is not None and not file.is_pdf
        with self._handed(file.source) as (more, handles), self._room(wants_page) as (memory, places):
            if wants_page:
                more = more | {"most": min(max_pixels or 0, self.max_pixels), "has_place": bool(places)}
            told = self._ask(asked | more, [*handles, *places], seconds)
        self._is_open = "height" not in told
        image = None if self._is_open else self._image(told, memory, max_pixels or 0)
        return Opened(self._number(told, "count"), str(told.get("format"))[:20], told.get("builds_up") is True, image)

    @contextmanager
    def _handed(self, source: bytes | int) -> Iterator[tuple[dict[str, Any], list[int]]]:
        """What is said of a file's content, and the handles that go along."""
        if isinstance(source, int):
            yield {}, [source]
            return
        if len(source) > COPIED_FILE:
            handle = memory_of(source)
            try:
                yield {}, [handle]
            finally:
                os.close(handle)
            return
        handles = [] if self._letters else [new_memory(COPIED_FILE)]
        try:
            letters = self._letters = self._letters or SharedMemory(handles[0], COPIED_FILE)
            letters.write(source)
            yield {"length": len(source)}, handles
        finally:
            for handle in handles:
                os.close(handle)

    def page(self, number: int, max_pixels: float, seconds: float) -> np.ndarray:
        """Page `number` of the open file, from 0, uint8 (H, W, 3) BGR; a PDF's is made to fit `max_pixels`.

        Raises:
            UserError: it can't be read.
            DecoderLost: the process ended, or was not done in so many seconds.
        """
        with self._room() as (memory, handles):
            asked = {"do": "page", "number": number, "max_pixels": min(max_pixels, self.max_pixels)}
            told = self._ask(asked, handles, seconds)
        return self._image(told, memory, max_pixels)

    def mask(self, file: GivenFile, colours: Sequence[Sequence[int] | None], seconds: float) -> np.ndarray:
        """The numbers in a mask's file, uint8 (H, W), in the place of the file before.

        Args:
            colours: of the classes, where its pixels have these; see `mask_of`.

        Raises:
            UserError: it can't be read.
            DecoderLost: the process ended, or was not done in so many seconds.
        """
        self.ready()
        self.num_files += 1
        self._path, self._is_open = file.path, False
        asked = {"do": "mask", "name": str(file.path), "max_pixels": self.max_pixels, "colours": [*colours]}
        with self._handed(file.source) as (more, handles), self._room() as (memory, places):
            told = self._ask(asked | more | {"has_place": bool(places)}, [*handles, *places], seconds)
        return np.ascontiguousarray(self._image(told, memory, self.max_pixels)[..., 0])

    @contextmanager
    def _room(self, is_needed: bool = True) -> Iterator[tuple[SharedMemory | None, list[int]]]:
        """The memory that a page comes in, and its handle where the process does not have it yet."""
        handles = [] if self._memory or not is_needed else [new_memory(self.max_pixels * 3)]
        try:
            if handles:
                self._memory = SharedMemory(handles[0], self.max_pixels * 3)
            yield self._memory, handles
        finally:
            for handle in handles:
                os.close(handle)

    def _image(self, told: Mapping[str, Any], memory: SharedMemory | None, max_pixels: float) -> np.ndarray:
        height, width = self._number(told, "height"), self._number(told, "width")
        if memory is None or not 0 < height * width <= min(max_pixels, self.max_pixels):
            raise self._nonsense()
        image = memory.image(height, width)
        if image.nbytes <= COPIED_PAGE:
            return image.copy()
        # It is given away, and the next page gets memory of its own.
        self._memory = None
        return image

    def put_away(self, seconds: float) -> None:
        """Closes the file where it is open.

        Raises:
            DecoderLost: the process ended, or was not done in so many seconds.
        """
        if self._is_open:
            self._ask({"do": "close"}, (), seconds)
            self._is_open = False

    def end(self) -> int:
        """Ends the process, whatever it is at; its exit code."""
        self._process.kill()
        code = self._process.wait()
        self._line.close()
        # Each holds a descriptor.
        self._memory = self._letters = None
        return code

    def _ask(
        self, asked: Mapping[str, Any], handles: Sequence[int], seconds: float, is_first: bool = False
    ) -> dict[str, Any]:
        """The answer; the process is ended where none comes in time."""
        ends = time.monotonic() + seconds
        try:
            if not is_first:
                send(self._line, {**asked, "seconds": seconds}, handles, ends)
            told, _ = receive(self._line, ends, takes_handles=False)
        except TimeoutError:
            self.end()
            raise DecoderLost(f"it was not decoded within {seconds:.3g} s", is_late=True) from None
        except (EOFError, OSError):
            raise DecoderLost(how_ended(self._end_of())) from None
        except ValueError:
            raise self._nonsense() from None
        if "error" in told:
            raise RuntimeError(f"decoding failed: {str(told['error'])[:4000]}")
        if isinstance(told.get("fault"), dict):
            raise fault_of(told["fault"], self._path)
        return told

    def _end_of(self) -> int:
        """The exit code of a process that closed its line, or is made to end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        return self.end()

    def _number(self, told: Mapping[str, Any], name: str) -> int:
        value = told.get(name)
        if not isinstance(value, int) or not 0 <= value < 1 << 31:
            raise self._nonsense()
        return value

    def _nonsense(self) -> DecoderLost:
        self.end()
        return DecoderLost("the reader of its format failed on it")
