"""Memory without a name, by which a file goes to a decoder process and its pixels come back."""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np


def new_memory(num_bytes: int) -> int:
    """A handle of zeros that take no room until they are written; whoever has it can't change its size.

    Raises:
        OSError: there are no handles left.
    """
    if not hasattr(os, "memfd_create"):
        # Other systems than Linux have it as a file without a name.
        with tempfile.TemporaryFile() as file:
            os.truncate(file.fileno(), num_bytes)
            return os.dup(file.fileno())
    handle = os.memfd_create("plx_train", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.truncate(handle, num_bytes)
        _seal(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _seal(handle: int) -> None:
    """Fixes the size: a process that made it smaller would end the other one as soon as that reads."""
    import fcntl

    # Numbers of Linux, which `fcntl` has no names for in all versions: no more seals, no shrinking, no growing.
    fcntl.fcntl(handle, 1033, 0x0001 | 0x0002 | 0x0004)


def memory_of(content: bytes) -> int:
    """A handle of memory that holds `content`."""
    handle, view = new_memory(len(content)), memoryview(content)
    while view:
        view = view[os.write(handle, view) :]
    return handle


class PixelMemory:
    """Memory for pages, one after the other: one that is written again costs a small part of one that is new."""

    def __init__(self, handle: int, num_bytes: int) -> None:
        """
        Args:
            handle: of memory of so many bytes; it may be closed afterwards.
        """
        self.num_bytes = num_bytes
        self._pixels = np.frombuffer(mmap.mmap(handle, num_bytes), np.uint8)

    def image(self, height: int, width: int) -> np.ndarray:
        """Its beginning as an image uint8 (height, width, 3), which keeps the memory as long as it is there."""
        return self._pixels[: height * width * 3].reshape(height, width, 3)
