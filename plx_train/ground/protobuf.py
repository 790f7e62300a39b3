"""Protocol-buffer messages, read field by field without a schema and never beyond their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MOST_TAG = 1 << 32
"""A tag is a number of 32 bits; readers differ in what they make of a longer one."""
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
        result = 0
        for shift in range(0, 70, 7):
            if self.position >= len(self.content):
                raise ValueError("it ends too early")
            byte = self.content[self.position]
            self.position += 1
            result |= (byte & 127) << shift
            if byte < 128:
                return result
        raise ValueError("it holds an impossible number")

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.position == len(self.content)


def fields(content: Bytes) -> Iterator[tuple[int, Any]]:
    """The number of each field of a message with its value: an int, or the bytes of a text, message or fixed number.

    Raises:
        ValueError: it is no such message.
    """
    cursor = ByteCursor(content)
    while not cursor.is_done:
        tag = cursor.varint()
        number, wire = tag >> 3, tag & 7
        if not number or tag >= MOST_TAG:
            raise ValueError("it holds an impossible field")
        if wire == 0:
            yield number, cursor.varint()
        elif wire == 2:
            yield number, cursor.take(cursor.varint())
        elif wire in (1, 5):
            yield number, cursor.take(8 if wire == 1 else 4)
        else:
            raise ValueError("it is no protocol-buffer message")


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
