"""Reads the parameters of old Paddle inference models (``.pdmodel`` + ``.pdiparams``) with numpy alone.

The program is a protocol buffer whose first block lists variables; ``.pdiparams`` holds the persistable ones in the order of
their names, each as a small header and its bytes; ``.pdiparams.info`` maps names to those of the layers.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from plx_train.errors import WeightsError
from plx_train.weights.restricted_pickle import restricted_load

DTYPES = {0: "?", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "u1", 21: "i1"}
FIRST_BLOCK, VARIABLES, NAME, PERSISTABLE = 1, 3, 1, 3
TENSOR_DTYPE, TENSOR_DIMENSIONS = 1, 2


def read_pdiparams(folder: Path, stem: str = "inference") -> dict[str, np.ndarray]:
    """Arrays by the layers' names, or by the program's where there is no ``.info``.

    Raises:
        WeightsError: a file is missing or damaged.
    """
    program, parameters, info = (folder / f"{stem}.{end}" for end in ("pdmodel", "pdiparams", "pdiparams.info"))
    try:
        names = _persistable_names(program.read_bytes())
        arrays = _read_arrays(memoryview(parameters.read_bytes()), names)
        table = restricted_load(info.read_bytes(), str(info)) if info.is_file() else {}
        return {table.get(name, {}).get("structured_name", name): array for name, array in arrays.items()}
    except OSError as error:
        raise WeightsError(f"{error.filename} can't be read: {error.strerror}") from None
    except (ValueError, IndexError, KeyError, struct.error, AttributeError, UnicodeDecodeError, TypeError) as error:
        raise WeightsError(f"{folder} holds no whole inference model: {type(error).__name__}: {error}") from None


def _persistable_names(program: bytes) -> list[str]:
    names = set()
    for number, block in _fields(program):
        if number != FIRST_BLOCK or isinstance(block, int):
            continue
        for inner, variable in _fields(block):
            if inner != VARIABLES or isinstance(variable, int):
                continue
            values = dict(_fields(variable))
            name = bytes(values[NAME]).decode()
            if values.get(PERSISTABLE) and name not in ("feed", "fetch"):
                names.add(name)
        break
    if not names:
        raise ValueError("its program has no parameters")
    return sorted(names)


def _read_arrays(data: memoryview, names: list[str]) -> dict[str, np.ndarray]:
    arrays, at = {}, 0
    for name in names:
        _, num_levels = struct.unpack_from("<IQ", data, at)
        at += 12
        for _ in range(num_levels):
            (size,) = struct.unpack_from("<Q", data, at)
            at += 8 + size
            if at > len(data):
                raise ValueError("its parameters end too early")
        _, size = struct.unpack_from("<Ii", data, at)
        at += 8
        dtype, shape = _tensor_type(bytes(data[at : at + size]))
        at += size
        count = math.prod(shape)
        if size < 0 or count < 0 or at + count * dtype.itemsize > len(data):
            raise ValueError("its parameters end too early")
        arrays[name] = np.frombuffer(data, dtype, count, at).reshape(shape).copy()
        at += count * dtype.itemsize
    if at != len(data):
        raise ValueError("its parameters are of another program")
    return arrays


def _tensor_type(description: bytes) -> tuple[np.dtype, list[int]]:
    dtype, shape = None, []
    for number, value in _fields(description):
        if number == TENSOR_DTYPE and isinstance(value, int):
            dtype = np.dtype(DTYPES[value])
        elif number == TENSOR_DIMENSIONS:
            shape += [value] if isinstance(value, int) else _packed(value)
    if dtype is None:
        raise ValueError("a parameter has no type")
    return dtype, shape


def _packed(data: bytes) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(value)
    return values


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) pairs of a protocol buffer: numbers, or bytes of what has a length."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("it is no protocol buffer")
        if at + size > len(data):
            raise ValueError("it ends too early")
        yield number, data[at : at + size]
        at += size
