"""Reads pickles of containers, numbers, text and numeric arrays alone, and runs nothing that they name."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from plx_train.ground.errors import WeightsError

PUTS = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
GETS = ("GET", "BINGET", "LONG_BINGET")
MOST_VALUES = 10_000_000
"""Values that a file may stand for; one that refers twice to itself, and so on, stands for billions in 100 bytes."""
LONGEST_NUMBER = 400
"""Characters of what a number is made from."""
MARK = -1
"""Where a list of values begins, among their counts."""
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


class _Fixed:
    """A function that files may call; they can't change it."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *given: Any) -> Any:
        return self._call(*given)

    def __setstate__(self, state: Any) -> None:
        raise ValueError("it changes what it calls")


class _ArrayKind(_Fixed):
    """The name numpy.ndarray, which files only pass on."""


def _start_array(kind: Any, shape: Any, code: Any) -> _Array:
    return _Array()


def _scalar(dtype: _Dtype, content: bytes) -> np.ndarray:
    return np.frombuffer(content, dtype.value, 1).reshape(())


def _plain(kind: Any) -> Callable[..., Any]:
    """`kind` of a number or a short text alone: of a list it would write out all that stands in it."""

    def make(*given: Any) -> Any:
        if not all(isinstance(one, int | float | str) and len(str(one)) <= LONGEST_NUMBER for one in given):
            raise ValueError(f"{kind.__name__} of something else than a number or text")
        return kind(*given)

    return make


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"encoding {encoding} is not one that pickle uses")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayKind(_start_array),
    ("numpy", "dtype"): _Dtype,
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _Fixed(_encode),
} | {
    (module, name): _Fixed(stand_in)
    for module in ("numpy.core.multiarray", "numpy._core.multiarray")
    for name, stand_in in (("_reconstruct", _start_array), ("scalar", _scalar))
} | {
    (module, kind.__name__): kind
    for module in ("builtins", "__builtin__")
    for kind in (dict, list, set, frozenset, tuple)
} | {
    (module, kind.__name__): _Fixed(_plain(kind))
    for module in ("builtins", "__builtin__")
    for kind in (int, float, bool, str, complex)
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
        check_opcodes(io.BytesIO(data), len(data))
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


def check_opcodes(file: BinaryIO, size: int) -> None:
    """Reads a pickle of a file of `size` bytes to its end, without making anything of it.

    Lengths and memo numbers must lie inside the file, for the C unpickler allocates whatever they say. Each value is
    counted with all that it repeats, for a key is hashed with all of that.

    Raises:
        ValueError: they don't, or it repeats itself beyond measure.
    """
    stack: list[int] = []
    memo: dict[int, int] = {}
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name in PUTS:
            place = len(memo) if argument is None else int(argument)
            if place > size:
                raise ValueError("impossible memo number")
            memo[place] = stack[-1]
        elif opcode.name in GETS:
            stack.append(memo[int(argument or 0)])
        elif opcode.name == "MARK":
            stack.append(MARK)
        else:
            weight = _taken(stack, opcode)
            if weight > MOST_VALUES:
                raise ValueError("it repeats itself beyond measure")
            stack += [weight] * len(opcode.stack_after)


def _taken(stack: list[int], opcode: pickletools.OpcodeInfo) -> int:
    """Takes off the stack what an opcode takes, and gives how many values that is, with what it makes of them."""
    weight, num_below = 1, len(opcode.stack_before)
    if pickletools.markobject in opcode.stack_before:
        while (top := stack.pop()) != MARK:
            weight += top
        num_below = opcode.stack_before.index(pickletools.markobject)
    for _ in range(num_below):
        weight += max(stack.pop(), 0)
    return weight


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:80] or type(error).__name__
