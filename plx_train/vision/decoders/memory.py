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
    """A handle of memory that holds `content`.

    Raises:
        OSError: there is no memory, or no handle, left.
    """
    handle, view = new_memory(len(content)), memoryview(content)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except BaseException:
        os.close(handle)
        raise
    return handle


class SharedMemory:
    """Memory for files or pages, one after the other: to write it again costs a small part of what new memory does."""

    def __init__(self, handle: int, num_bytes: int) -> None:
        """
        Args:
            handle: of memory of so many bytes; it may be closed afterwards.
        """
        self.num_bytes = num_bytes
        self._values = np.frombuffer(mmap.mmap(handle, num_bytes), np.uint8)

    def write(self, content: bytes) -> None:
        """Puts `content` at its beginning."""
        self._values[: len(content)] = np.frombuffer(content, np.uint8)

    def read(self, num_bytes: int) -> bytes:
        """So many bytes from its beginning."""
        return self._values[:num_bytes].tobytes()

    def image(self, height: int, width: int) -> np.ndarray:
        """Its beginning as an image uint8 (height, width, 3), which keeps the memory as long as it is there."""
        return self._values[: height * width * 3].reshape(height, width, 3)
