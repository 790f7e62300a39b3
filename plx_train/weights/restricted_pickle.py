"""Reads pickles of containers, numbers, text and numeric arrays alone, and runs nothing that they name."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections import OrderedDict
from typing import Any

import numpy as np

from plx_train.ground.errors import WeightsError

MEMO_OPCODES = ("PUT", "BINPUT", "LONG_BINPUT")
MALFORMED = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError, MemoryError,
    RecursionError, UnicodeError, ArithmeticError, pickle.UnpicklingError,
)  # fmt: skip
"""Everything that unpickling damaged bytes was seen to raise."""


class _Dtype:
    """Stands in for numpy.dtype: a numeric type and its byte order, nothing else."""

    def __init__(self, code: str, align: Any = False, copy: Any = False) -> None:
        self.value = np.dtype(str(code))
        if self.value.kind not in "biuf" or self.value.subdtype:
            raise ValueError(f"dtype {code} is not numeric")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">", "="):
            self.value = self.value.newbyteorder(state[1])


class _Array:
    """Stands in for numpy.ndarray; its state is checked before numpy sees it."""

    def __init__(self) -> None:
        self.value = np.empty(0, np.float32)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, content = state
        if not isinstance(content, bytes):
            raise ValueError("the content of an array is not bytes")
        self.value = np.frombuffer(content, dtype.value).reshape(shape, order="F" if is_fortran else "C")


class _ArrayKind:
    """The name numpy.ndarray, which files only pass on."""


def _start_array(kind: Any, shape: Any, code: Any) -> _Array:
    return _Array()


def _scalar(dtype: _Dtype, content: bytes) -> np.ndarray:
    return np.frombuffer(content, dtype.value, 1).reshape(())


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"encoding {encoding} is not one that pickle uses")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayKind(),
    ("numpy", "dtype"): _Dtype,
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _encode,
} | {
    (module, name): stand_in
    for module in ("numpy.core.multiarray", "numpy._core.multiarray")
    for name, stand_in in (("_reconstruct", _start_array), ("scalar", _scalar))
} | {
    (module, kind.__name__): kind
    for module in ("builtins", "__builtin__")
    for kind in (dict, list, set, frozenset, tuple, int, float, bool, str, complex)
}  # fmt: skip


class _Refused(Exception):
    """The file names something that is not data."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None

    def persistent_load(self, identifier: Any) -> Any:
        raise _Refused("a persistent object")


def restricted_load(data: bytes, name: str) -> Any:
    """The content of the pickle `data`; each array as something whose ``value`` is the array.

    Raises:
        WeightsError: it is damaged or asks for anything but data, naming `name`.
    """
    try:
        _check_opcodes(data)
        # numpy pickled by Python 2 and 3 alike; latin1 keeps array bytes as they are.
        return _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except _Refused as error:
        raise WeightsError(
            f"{name} was refused: it asks for {error}, which no weights need and which could run code here"
        ) from None
    except MALFORMED as error:
        raise WeightsError(f"{name} is damaged or was not written by paddle.save ({_short(error)})") from None


def array_of(value: Any) -> np.ndarray | None:
    """The array that an item of the content is, in memory of its own; None for anything else.

    Paddle also writes a tensor as (its generated name, its array).
    """
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    value = value.value if isinstance(value, _Array) else value
    return np.array(value) if isinstance(value, np.ndarray) else None


def _check_opcodes(content: bytes) -> None:
    """Lengths and memo numbers must lie inside the file: the C unpickler allocates whatever they say."""
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in MEMO_OPCODES and int(argument or 0) > len(content):
            raise ValueError("impossible memo number")


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:80] or type(error).__name__
