"""Protocol-buffer messages, read field by field without a schema and never beyond their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

MOST_TAG = 1 << 32
"""A tag is a number of 32 bits; readers differ in what they make of a longer one."""
FIXED = {1: 8, 5: 4}
"""Bytes of a number that has always as many, by the kind of field."""
MOST_TAKEN = 1 << 20
"""Bytes that are read of a file at once; what stands before a tensor's numbers has some hundred."""
Bytes = bytes | memoryview


class ByteCursor:
    """A place in bytes that it never leaves.

    Raises:
        ValueError: by each method, where the bytes end too early or a number is impossible.
    """

    def __init__(self, content: Bytes) -> None:
        self.content = memoryview(content)
        self.position = 0

    def take(self, count: int) -> memoryview:
        """The next `count` bytes."""
        if not 0 <= count <= len(self.content) - self.position:
            raise ValueError("it ends too early")
        start, self.position = self.position, self.position + count
        return self.content[start : self.position]

    def skip(self, count: int) -> None:
        """Passes over `count` bytes."""
        self.take(count)

    def number(self, width: int) -> int:
        """An unsigned number of `width` bytes, the lowest first."""
        return int.from_bytes(self.take(width), "little")

    def varint(self) -> int:
        """An unsigned number in as many bytes as it needs."""
        found, self.position = self.varint_at(self.position)
        return found

    def varint_at(self, position: int) -> tuple[int, int]:
        """An unsigned number that begins at `position`, and where it ends; the cursor stays."""
        result = 0
        for shift in range(0, 70, 7):
            if position >= len(self.content):
                raise ValueError("it ends too early")
            byte = self.content[position]
            position += 1
            result |= (byte & 127) << shift
            if byte < 128:
                return result, position
        raise ValueError("it holds an impossible number")

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.position == len(self.content)


class FileCursor:
    """A place in a file that it never leaves; what the file loses meanwhile is missing, as at its end.

    Raises:
        OSError: by each method, where the file can't be read.
        ValueError: by each method, where it ends too early or is asked for `MOST_TAKEN` bytes or more.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = os.fstat(file.fileno()).st_size - file.tell()

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        self._pass(count)
        if count >= MOST_TAKEN:
            raise ValueError("it holds an impossible number")
        found = self._file.read(count)
        if len(found) < count:
            raise ValueError("it ends too early")
        return found

    def skip(self, count: int) -> None:
        """Passes over `count` bytes, which are not read."""
        self._pass(count)
        self._file.seek(count, os.SEEK_CUR)

    def number(self, width: int) -> int:
        """An unsigned number of `width` bytes, the lowest first."""
        return int.from_bytes(self.take(width), "little")

    def _pass(self, count: int) -> None:
        if not 0 <= count <= self._left:
            raise ValueError("it ends too early")
        self._left -= count

    @property
    def is_done(self) -> bool:
        """Whether nothing is left of what there was at the beginning."""
        return not self._left


def fields(content: Bytes) -> Iterator[tuple[int, Any]]:
    """The number of each field of a message with its value: an int, or the bytes of a text, message or fixed number.

    Raises:
        ValueError: it is no such message.
    """
    view = memoryview(content)
    cursor, end = ByteCursor(view), len(view)
    position = 0
    while position < end:
        # Almost all tags and lengths are of one byte; a file has a hundred thousand of them.
        tag = view[position]
        position += 1
        if tag >= 128:
            tag, position = cursor.varint_at(position - 1)
        number, wire = tag >> 3, tag & 7
        if not number or tag >= MOST_TAG:
            raise ValueError("it holds an impossible field")
        if wire not in FIXED:
            size, position = cursor.varint_at(position)
            if wire == 0:
                yield number, size
                continue
            if wire != 2:
                raise ValueError("it is no protocol-buffer message")
        else:
            size = FIXED[wire]
        start, position = position, position + size
        if position > end:
            raise ValueError("it ends too early")
        yield number, view[start:position]


def varints(value: int | memoryview) -> list[int]:
    """The numbers of one occurrence of a repeated field: a single one, or many packed together."""
    if isinstance(value, int):
        return [value]
    cursor, found = ByteCursor(value), []
    while not cursor.is_done:
        found.append(cursor.varint())
    return found


def text(value: Any) -> str:
    """A field's text.

    Raises:
        ValueError: it is none, or not UTF-8.
    """
    if not isinstance(value, memoryview):
        raise ValueError("it holds a number where a text belongs")
    return str(value, "utf-8")


def message(value: Any) -> memoryview:
    """A field's bytes, which are a message of their own.

    Raises:
        ValueError: it is a number.
    """
    if not isinstance(value, memoryview):
        raise ValueError("it holds a number where a message belongs")
    return value
