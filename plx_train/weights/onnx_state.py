"""Tensors of an ``.onnx`` file, read without onnx: the file is walked through, nothing of it is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from plx_train.ground.errors import WeightsError
from plx_train.ground.files import read_limited
from plx_train.ground.protobuf import fields, message, text, varints

MOST_BYTES = 2**31 - 1
"""Protocol buffers end there."""
DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 10: np.float16, 11: np.float64}
"""Types of numbers, by ``TensorProto.DataType``."""
# Numbers of fields in ONNX's onnx.proto.
MODEL_GRAPH, GRAPH_NODE, GRAPH_INITIALIZER = 7, 1, 5
NODE_OUTPUT, NODE_OPERATION, NODE_ATTRIBUTE, ATTRIBUTE_TENSOR = 2, 4, 5, 5
TENSOR_DIMS, TENSOR_TYPE, TENSOR_FLOATS, TENSOR_NAME, TENSOR_RAW = 1, 2, 4, 8, 9


def read_onnx(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name: initial values, and what constants give, under the name of their output.

    Raises:
        WeightsError: it can't be read, or is no such file.
    """
    try:
        content = read_limited(path, MOST_BYTES)
        graph = next(message(value) for number, value in fields(content) if number == MODEL_GRAPH)
        return dict(_tensors(graph))
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror or error})") from None
    except (ValueError, StopIteration):
        raise WeightsError(f"{path} is no ONNX file, or damaged") from None


def _tensors(graph: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    for number, value in fields(graph):
        if number == GRAPH_INITIALIZER:
            name, array = _tensor(message(value))
            if array is not None:
                yield name, array
        elif number == GRAPH_NODE:
            yield from _constant(list(fields(message(value))))


def _constant(node: list[tuple[int, int | memoryview]]) -> Iterator[tuple[str, np.ndarray]]:
    """The array that a node ``Constant`` gives."""
    if not any(number == NODE_OPERATION and text(value) == "Constant" for number, value in node):
        return
    outputs = [text(value) for number, value in node if number == NODE_OUTPUT]
    for number, attribute in node:
        for inner, value in fields(message(attribute)) if number == NODE_ATTRIBUTE and outputs else ():
            if inner == ATTRIBUTE_TENSOR and (array := _tensor(message(value))[1]) is not None:
                yield outputs[0], array


def _tensor(content: memoryview) -> tuple[str, np.ndarray | None]:
    """A tensor's name and array; None where it is of another type, or kept in another file."""
    name, kind, shape, raw, floats = "", 0, [], b"", b""
    for number, value in fields(content):
        if number == TENSOR_DIMS:
            shape += varints(value)
        elif number == TENSOR_TYPE:
            kind = value
        elif number == TENSOR_FLOATS:
            floats += message(value)
        elif number == TENSOR_NAME:
            name = text(value)
        elif number == TENSOR_RAW:
            raw = bytes(message(value))
    if kind not in DTYPES or (not (raw or floats) and 0 not in shape):
        return name, None
    array = np.frombuffer(raw or floats, DTYPES[kind] if raw else np.float32)
    return name, array.reshape(shape)
