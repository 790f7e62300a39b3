"""Tensors of an ``.onnx`` file, read without onnx: the file is walked through, nothing of it is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from plx_train.ground.errors import WeightsError

DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 10: np.float16, 11: np.float64}
"""Types of numbers, by ``TensorProto.DataType``."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
GRAPH, NODE, INITIALIZER = 7, 1, 5
"""Numbers of fields: of a model its graph, of that its nodes and its tensors."""


def read_onnx(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name: initial values, and what constants give, under the name of their output.

    Raises:
        WeightsError: it can't be read, or is no such file.
    """
    try:
        content = path.read_bytes()
        graph = next(value for number, value in _messages(memoryview(content)) if number == GRAPH)
        return dict(_tensors(graph))
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror or error})") from None
    except (ValueError, IndexError, StopIteration, TypeError, UnicodeDecodeError):
        raise WeightsError(f"{path} is no ONNX file, or damaged") from None


def _tensors(graph: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    for number, value in _messages(graph):
        if number == INITIALIZER:
            name, array = _tensor(value)
            if array is not None:
                yield name, array
        elif number == NODE:
            yield from _constant(value)


def _constant(node: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    """The array that a node ``Constant`` gives."""
    parts = list(_messages(node))
    if not any(number == 4 and bytes(value) == b"Constant" for number, value in parts):
        return
    output = next(bytes(value).decode() for number, value in parts if number == 2)
    for number, attribute in parts:
        if number != 5:
            continue
        for inner, value in _messages(attribute):
            if inner == 5 and (array := _tensor(value)[1]) is not None:
                yield output, array


def _tensor(content: memoryview) -> tuple[str, np.ndarray | None]:
    """A tensor's name and array; None where it is of another type, or kept in another file."""
    name, kind, shape, raw, floats = "", 0, [], b"", []
    for number, value in _fields(content):
        if isinstance(value, int):
            shape += [value] if number == 1 else []
            kind = value if number == 2 else kind
        elif number == 1:
            shape += list(_packed(value))
        elif number == 4:
            floats.append(bytes(value))
        elif number == 8:
            name = bytes(value).decode()
        elif number == 9:
            raw = bytes(value)
    if kind not in DTYPES:
        return name, None
    array = np.frombuffer(raw or b"".join(floats), DTYPES[kind] if raw else np.float32)
    return name, array.reshape(shape)


def _packed(content: memoryview) -> Iterator[int]:
    place = 0
    while place < len(content):
        value, place = _varint(content, place)
        yield value


def _messages(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a message that are no numbers."""
    for number, value in _fields(content):
        if not isinstance(value, int):
            yield number, value


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a message.

    Raises:
        ValueError, IndexError: it is no message.
    """
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, place = _varint(content, place)
            yield number, value
            continue
        if kind == BYTES:
            length, place = _varint(content, place)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(kind)
        if place + length > len(content):
            raise ValueError(length)
        yield number, content[place : place + length]
        place += length


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
