"""Reads exported models with numpy alone: ``.pdiparams`` beside ``.pdmodel`` (old) or ``.json`` (new)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.errors import WeightsError
from plx_train.weights.restricted_pickle import MALFORMED, restricted_load

DTYPES = {0: "?", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "u1", 21: "i1"}
BFLOAT16 = 22
MAX_AXES = 16
# Numbers of fields in Paddle's framework.proto.
PROGRAM_BLOCKS, BLOCK_VARIABLES, VARIABLE_NAME, VARIABLE_PERSISTABLE = 1, 3, 1, 3
TENSOR_DTYPE, TENSOR_DIMS = 1, 2
NOT_PARAMETERS = ("feed", "fetch")


class _Bytes:
    """A cursor that never leaves its bytes."""

    def __init__(self, content: memoryview) -> None:
        self.content = content
        self.position = 0

    def take(self, count: int) -> memoryview:
        if not 0 <= count <= len(self.content) - self.position:
            raise ValueError("it ends too early")
        start, self.position = self.position, self.position + count
        return self.content[start : self.position]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def varint(self) -> int:
        result = 0
        for shift in range(0, 70, 7):
            byte = self.number(1)
            result |= (byte & 127) << shift
            if byte < 128:
                return result
        raise ValueError("it holds an impossible number")

    @property
    def is_done(self) -> bool:
        return self.position == len(self.content)


def _fields(content: memoryview) -> Iterator[tuple[int, Any]]:
    """(field number, int or bytes) of a protocol-buffer message."""
    cursor = _Bytes(content)
    while not cursor.is_done:
        key = cursor.varint()
        number, wire = key >> 3, key & 7
        if wire == 0:
            yield number, cursor.varint()
        elif wire == 2:
            yield number, cursor.take(cursor.varint())
        elif wire in (1, 5):
            yield number, cursor.take(8 if wire == 1 else 4)
        else:
            raise ValueError("it is not a Paddle program")


def _names_of_program(content: bytes) -> list[str]:
    """Names of the parameters of an old ``.pdmodel``, in the order of the file of parameters."""
    block = next((value for number, value in _fields(memoryview(content)) if number == PROGRAM_BLOCKS), b"")
    names = set()
    for number, value in _fields(memoryview(block)):
        if number != BLOCK_VARIABLES:
            continue
        variable = dict(_fields(value))
        name = str(variable[VARIABLE_NAME], "utf-8")
        if variable.get(VARIABLE_PERSISTABLE) and name not in NOT_PARAMETERS:
            names.add(name)
    return sorted(names)


def _names_of_graph(content: bytes) -> list[str]:
    """Names of the parameters of an ``inference.json``, in the order of the file of parameters."""
    operations = json.loads(content)["program"]["regions"][0]["blocks"][0]["ops"]
    parameters = [operation["A"] for operation in operations if operation["#"] == "p"]
    return sorted({item for attributes in parameters for item in attributes if isinstance(item, str)})


def _read_tensors(content: bytes, names: list[str]) -> dict[str, np.ndarray]:
    cursor = _Bytes(memoryview(content))
    tensors = {name: _read_tensor(cursor) for name in names}
    if not cursor.is_done:
        raise ValueError("it holds more tensors than the graph beside it names")
    return tensors


def _read_tensor(cursor: _Bytes) -> np.ndarray:
    cursor.take(4)
    for _ in range(cursor.number(8)):
        cursor.take(cursor.number(8))
    cursor.take(4)
    code, dims = None, []
    for number, value in _fields(cursor.take(cursor.number(4))):
        if number == TENSOR_DTYPE:
            code = value
        elif number == TENSOR_DIMS:
            dims.extend([value] if isinstance(value, int) else _packed(value))
    if len(dims) > MAX_AXES or (code != BFLOAT16 and code not in DTYPES):
        raise ValueError("it holds a tensor of an unknown kind")
    dtype = np.dtype("<u2" if code == BFLOAT16 else DTYPES[code])
    array = np.frombuffer(cursor.take(math.prod(dims) * dtype.itemsize), dtype).reshape(dims)
    if code == BFLOAT16:
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.copy()


def _packed(content: memoryview) -> list[int]:
    cursor, values = _Bytes(content), []
    while not cursor.is_done:
        values.append(cursor.varint())
    return values


def read_pdiparams(parameters: Path) -> dict[str, np.ndarray]:
    """Tensors of an exported model by the network's names, where the export recorded them, else by Paddle's.

    Args:
        parameters: the ``.pdiparams``; its graph lies beside it.

    Raises:
        WeightsError: a file is missing, damaged, or belongs to another export.
    """
    graph = _graph_beside(parameters)
    read_names = _names_of_graph if graph.suffix == ".json" else _names_of_program
    names = _guarded(graph, read_names)
    tensors = _guarded(parameters, lambda content: _read_tensors(content, names))
    information = parameters.with_name(parameters.name + ".info")
    if graph.suffix != ".json" and information.is_file():
        recorded = _guarded(information, lambda content: restricted_load(content, str(information)))
        if not isinstance(recorded, dict):
            raise WeightsError(f"{information} is damaged: fetch it again")
        return {_structured(recorded.get(name), name): tensor for name, tensor in tensors.items()}
    return tensors


def _structured(recorded: Any, name: str) -> str:
    return str(recorded.get("structured_name", name)) if isinstance(recorded, dict) else name


def _graph_beside(parameters: Path) -> Path:
    for suffix in (".json", ".pdmodel"):
        graph = parameters.with_suffix(suffix)
        if graph.is_file():
            return graph
    stem = parameters.stem
    raise WeightsError(f"{parameters} can't be read without {stem}.json or {stem}.pdmodel beside it")


def _guarded(path: Path, read: Any) -> Any:
    """`read` of the file's bytes, with the file's name in every error."""
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror or error})") from None
    except MALFORMED as error:
        reason = str(error) if type(error) is ValueError else "it is no Paddle export"
        raise WeightsError(f"{path} is damaged: {reason}") from None
