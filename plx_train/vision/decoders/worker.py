"""The decoder process: it opens one file after the other and gives their pages; it imports no paddle."""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import traceback
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plx_train.ground.errors import UserError
from plx_train.vision.codecs.by_pillow import readable_formats, restrict_formats
from plx_train.vision.decoders.confine import allow_seconds, confine, end_with_parent
from plx_train.vision.decoders.memory import SharedMemory
from plx_train.vision.decoders.messages import receive, send, told_of
from plx_train.vision.frames import Frames
from plx_train.vision.masks import mask_of
from plx_train.vision.pdf import PdfPages, opened_pdf


def work(handle: int, memory: int, formats: list[str] | None) -> None:
    """Answers on the line of this handle until it is closed.

    Args:
        memory: bytes beyond what it has at first that it may take.
        formats: of images that are read, by Pillow's names; None: all.
    """
    line = socket.socket(fileno=handle)
    _load(formats)
    end_with_parent()
    confine(memory)
    send(line, {"ready": True})
    desk = _Desk()
    while True:
        try:
            asked, handles = receive(line)
        except (EOFError, OSError):
            return
        send(line, _answer(desk, asked, handles))


def _load(formats: list[str] | None) -> None:
    """Loads all that is needed: later this process may not be able to."""
    cv2.setNumThreads(1)
    if formats is not None:
        restrict_formats(formats)
    readable_formats()
    with suppress(ImportError):
        import pypdfium2  # noqa: F401
    # The first picture of a library makes tables.
    cv2.imdecode(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1], cv2.IMREAD_COLOR)
    cv2.imdecode(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1], cv2.IMREAD_COLOR)


class _Desk:
    """The file that is open."""

    def __init__(self) -> None:
        self._held = ExitStack()
        self._pages: Frames | PdfPages | None = None
        self._memory: SharedMemory | None = None
        self._letters: SharedMemory | None = None

    def open(self, asked: Mapping[str, Any], handles: list[int]) -> dict[str, Any]:
        """Opens a file, and says how many pages it has; a picture's only one comes with it where that is asked for."""
        content = self._begin(asked, handles)
        if asked["is_pdf"]:
            pages = self._pages = self._held.enter_context(opened_pdf(content, str(asked["name"])))
            return {"count": pages.count, "format": "PDF", "builds_up": False}
        frames = Frames(
            np.frombuffer(content, np.uint8), Path(asked["name"]), int(asked["max_pixels"]), str(asked["background"])
        )
        self._pages = frames
        told = {"count": frames.count, "format": frames.format, "builds_up": frames.builds_up}
        if "most" in asked and frames.count == 1:
            told |= self._put_down(frames.page(0), float(asked["most"]))
            self.close()
        return told

    def mask(self, asked: Mapping[str, Any], handles: list[int]) -> dict[str, Any]:
        """Puts the numbers of a mask's file into memory, as three equal planes, and says how large it is."""
        content, most = self._begin(asked, handles), int(asked["max_pixels"])
        colours = [each and (each[0], each[1], each[2]) for each in asked["colours"]]
        numbers = mask_of(bytes(content), Path(asked["name"]), colours, most)
        return self._put_down(np.broadcast_to(numbers[..., None], (*numbers.shape, 3)), most)

    def _begin(self, asked: Mapping[str, Any], handles: list[int]) -> Any:
        """The content of a file that takes the place of the one before."""
        self.close()
        if asked.get("has_place"):
            *handles, place = handles
            self._take_place(place)
        return self._content(asked, handles)

    def _content(self, asked: Mapping[str, Any], handles: list[int]) -> Any:
        """The file: in memory that is kept, of which `length` bytes are its, or in that of a handle of its own."""
        if "length" in asked:
            if handles:
                self._letters = SharedMemory(handles[0], os.fstat(handles[0]).st_size)
            assert self._letters is not None
            return self._letters.read(asked["length"])
        length = os.fstat(handles[0]).st_size
        if not length:
            return b""
        # Copied as it is read, so that PDFium can be given it: it takes memory that could be written.
        return (ctypes.c_ubyte * length).from_buffer(mmap.mmap(handles[0], length, access=mmap.ACCESS_COPY))

    def page(self, asked: Mapping[str, Any], handles: list[int]) -> dict[str, Any]:
        """Puts a page into memory, that of a handle if there is one, and says how large it is."""
        number, most = int(asked["number"]), float(asked["max_pixels"])
        for handle in handles:
            self._take_place(handle)
        if isinstance(self._pages, PdfPages):
            return self._put_down(self._pages.image(number, most), most)
        assert self._pages is not None
        return self._put_down(self._pages.page(number), most)

    def _take_place(self, handle: int) -> None:
        self._memory = SharedMemory(handle, os.fstat(handle).st_size)

    def _put_down(self, image: np.ndarray, most: float) -> dict[str, Any]:
        assert self._memory is not None
        height, width = image.shape[:2]
        if height * width <= most:
            self._memory.image(height, width)[:] = image
        return {"height": height, "width": width}

    def close(self) -> None:
        """Lets go of the file."""
        self._pages = None
        self._held.close()


def _answer(desk: _Desk, asked: Mapping[str, Any], handles: list[int]) -> dict[str, Any]:
    allow_seconds(float(asked.get("seconds", 0)))
    try:
        if asked["do"] == "close":
            desk.close()
            return {}
        if asked["do"] == "mask":
            return desk.mask(asked, handles)
        return desk.open(asked, handles) if asked["do"] == "open" else desk.page(asked, handles)
    except UserError as error:
        return {"fault": told_of(error)}
    except MemoryError:
        return {"fault": {"kind": "image", "code": "image-too-large", "reason": "it takes too much memory to decode"}}
    except OSError as error:
        return {"fault": {"kind": "image", "code": "image-undecodable", "reason": f"it can't be decoded ({error})"}}
    except Exception:
        return {"error": traceback.format_exc()[-4000:]}
    finally:
        for handle in handles:
            os.close(handle)
