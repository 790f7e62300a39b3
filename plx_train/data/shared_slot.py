"""Memory that a process and the one that started it share: large arrays are written there and not through a pipe.

It is a file without a name, so it needs no room in /dev/shm and nothing is left of it when both processes are gone,
however they ended.
"""

from __future__ import annotations

import mmap
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import reduction
from typing import Any

SMALL = 4096
"""Bytes below which an array goes with the message: a slot is not worth its page."""
ROOM = 1.25
"""How much larger than needed a slot is made: batches differ in size, and each growth is mapped anew."""


@dataclass(frozen=True)
class Packed:
    """A value whose large arrays lie in a slot, one after the other.

    Attributes:
        content: the rest of it, pickled.
        lengths: of the arrays, in bytes.
    """

    content: bytes
    lengths: tuple[int, ...]


class SharedSlot:
    """Holds the arrays of one value at a time; the reader must be done before the writer writes again."""

    def __init__(self, handle: int | None = None) -> None:
        self._handle = os.memfd_create("plx_train", os.MFD_CLOEXEC) if handle is None else handle
        self._mapped: mmap.mmap | None = None

    def __reduce__(self) -> tuple[Callable[[Any], SharedSlot], tuple[Any]]:
        """What a process that is just being started makes the same memory of."""
        return _inherited, (reduction.DupFd(self._handle),)

    def write(self, value: Any) -> Packed:
        """Puts the arrays of `value` here; the rest of it is in what is returned.

        Raises:
            MemoryError: there is no memory for them.
        """
        arrays: list[memoryview] = []

        def keep(buffer: pickle.PickleBuffer) -> bool:
            content = buffer.raw()
            if content.nbytes < SMALL:
                return True
            arrays.append(content)
            return False

        content = pickle.dumps(value, protocol=5, buffer_callback=keep)
        lengths = tuple(array.nbytes for array in arrays)
        needed = sum(lengths)
        self._make_room(needed)
        place = 0
        memory = self._memory(needed)
        for array, length in zip(arrays, lengths, strict=True):
            memory[place : place + length] = array
            place += length
        return Packed(content, lengths)

    def read(self, packed: Packed) -> Any:
        """The value that `write` was given, in memory of its own: the slot may be written again."""
        place, arrays = 0, []
        memory = self._memory(sum(packed.lengths))
        for length in packed.lengths:
            arrays.append(bytearray(memory[place : place + length]))
            place += length
        return pickle.loads(packed.content, buffers=arrays)

    def _make_room(self, needed: int) -> None:
        if needed <= os.fstat(self._handle).st_size:
            return
        try:
            # Reserved and not just named: memory that is not there is then an error and not the end of a process.
            os.posix_fallocate(self._handle, 0, int(needed * ROOM))
        except OSError as error:
            raise MemoryError(f"no shared memory for {needed / 2**20:.0f} MiB ({error.strerror})") from None

    def _memory(self, needed: int) -> memoryview:
        """The memory, of at least `needed` bytes."""
        if needed == 0:
            return memoryview(b"")
        if self._mapped is None or len(self._mapped) < needed:
            self._mapped = mmap.mmap(self._handle, os.fstat(self._handle).st_size)
        return memoryview(self._mapped)

    def close(self) -> None:
        """Lets go of it."""
        self._mapped = None
        os.close(self._handle)


def _inherited(handle: Any) -> SharedSlot:
    return SharedSlot(handle.detach())
