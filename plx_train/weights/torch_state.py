"""Reads a state dict that ``torch.save`` wrote in its older format (``.pth``), without torch, running nothing.

Such a file is five pickles in a row (magic number, version, machine, content, storage keys) and then the storages: the
number of elements (int64) and the bytes of each, in the order of the keys. Tensors are views into storages.
"""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.errors import WeightsError
from plx_train.ground.files import read_limited
from plx_train.runs.checkpoint import MOST_TENSOR_BYTES
from plx_train.weights.restricted_pickle import MALFORMED, check_opcodes

MAGIC = 0x1950A86A20F9469CFC6C
ZIP = b"PK\x03\x04"
STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ByteStorage": "|u1",
}


class _Storage:
    """A storage that the content names; its array is read last."""

    def __init__(self, dtype: str, size: int) -> None:
        self.dtype, self.size = np.dtype(dtype), size
        self.array = np.empty(0, self.dtype)


class _Tensor:
    """A view into a storage."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.storage, self.offset = storage, int(offset)
        self.shape, self.strides = tuple(map(int, shape)), tuple(map(int, strides))

    def array(self) -> np.ndarray:
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
        if min(self.offset, *self.shape, *self.strides, 0) < 0 or last >= max(len(self.storage.array), 1):
            raise ValueError("a tensor lies outside its storage")
        # A step of 0 repeats one number without end.
        if math.prod(self.shape) > len(self.storage.array):
            raise ValueError("a tensor is larger than its storage")
        strides = [step * self.storage.dtype.itemsize for step in self.strides]
        flat = self.storage.array[self.offset :]
        return np.array(np.lib.stride_tricks.as_strided(flat, self.shape, strides, writeable=False))


def _tensor(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise ValueError("a tensor without a storage")
    return _Tensor(storage, offset, shape, strides)


class _Refused(Exception):
    """The file names something that is not data."""


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, encoding="latin1")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise _Refused(f"{module}.{name}")

    def persistent_load(self, identifier: Any) -> _Storage:
        kind, dtype, key, _, size, *_ = identifier
        if kind != "storage" or dtype not in STORAGES.values():
            raise ValueError("an unknown kind of storage")
        return self.storages.setdefault(str(key), _Storage(dtype, int(size)))


def read_torch_state(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name.

    Raises:
        WeightsError: the file is damaged, of another format, or asks for anything but data.
    """
    try:
        data = read_limited(path, MOST_TENSOR_BYTES)
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror or error})") from None
    if data.startswith(ZIP):
        raise WeightsError(f"{path} is of torch's newer format: convert it to .safetensors with safetensors.torch")
    try:
        content = _read(data)
        tensors = {str(name): value.array() for name, value in content.items() if isinstance(value, _Tensor)}
    except _Refused as error:
        raise WeightsError(
            f"{path} was refused: it asks for {error}, which no weights need and which could run code here"
        ) from None
    except (*MALFORMED, AssertionError) as error:
        raise WeightsError(f"{path} is damaged or no state dict of torch ({str(error)[:80]})") from None
    if not tensors:
        raise WeightsError(f"{path} holds no weights by name")
    return tensors


def _next(file: io.BytesIO, size: int) -> _Unpickler:
    """What reads the next pickle, which was looked at."""
    start = file.tell()
    check_opcodes(file, size)
    file.seek(start)
    return _Unpickler(file)


def _read(data: bytes) -> dict[str, Any]:
    file = io.BytesIO(data)
    if _next(file, len(data)).load() != MAGIC:
        raise ValueError("it does not begin with torch's magic number")
    for _ in range(2):  # version and machine
        _next(file, len(data)).load()
    unpickler = _next(file, len(data))
    content = unpickler.load()
    keys = _next(file, len(data)).load()
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}")
    content = content.get("state_dict", content)
    for key in keys:
        storage = unpickler.storages[str(key)]
        size = int(np.frombuffer(file.read(8), "<i8")[0])
        if size != storage.size:
            raise ValueError("a storage has another size than its tensors say")
        storage.array = np.frombuffer(file.read(size * storage.dtype.itemsize), storage.dtype)
        if len(storage.array) != size:
            raise ValueError("the file is cut off")
    return dict(content)
