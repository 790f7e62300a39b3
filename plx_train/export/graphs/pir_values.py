"""Types and attributes in an ``inference.json``: each of the kind that Paddle reads there.

What Paddle stumbles over inside a loop or branch ends the process, so nothing is left for it to stumble over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from plx_train.export.graphs.facts import MalformedGraph

NUMBER_TYPES = frozenset(
    f"0.t_{kind}" for kind in (
        "bool", "i8", "ui8", "i16", "i32", "i64", "f16", "bf16", "f32", "f64", "f8e4m3fn", "f8e5m2", "c64", "c128",
        "index",
    )
)  # fmt: skip
DTYPES = frozenset((
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "bfloat16", "float32",
    "float64", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2", "Undefined(ALL_DTYPE)", "undefined",
))  # fmt: skip
TENSORS = {"0.t_dtensor": [list, str, list, int], "1.t_dense_tensor_array": [list, str]}
"""Kinds of what a tensor's type holds behind the type of its numbers."""
LAYOUTS = frozenset(("NHWC", "NCHW", "NCDHW", "NDHWC", "Undefined", "Undefined(AnyLayout)", "ONEDNN", "STRIDED", "ANY"))
NOTHING = "NULL"
DEEPEST = 8
"""Types in types, arrays in arrays."""


def check_type(given: Any, depth: int = 0) -> None:
    """
    Raises:
        MalformedGraph: it is no type that a tensor of a model is of.
    """
    kind = given.get("#") if isinstance(given, dict) else None
    data = given.get("D") if isinstance(given, dict) else None
    if not isinstance(kind, str) or depth > DEEPEST:
        raise _unknown("type")
    if kind in NUMBER_TYPES or (kind == NOTHING and not depth):
        return
    if not isinstance(data, list):
        raise _unknown("type")
    if kind == "0.t_vec":
        for each in data:
            check_type(each, depth + 1)
    elif [type(one) for one in data[1:]] == TENSORS.get(kind):
        _check_tensor(data)
    else:
        raise _unknown("type")


def _check_tensor(data: list[Any]) -> None:
    element = data[0].get("#") if isinstance(data[0], dict) else None
    if not _is_name(element, NUMBER_TYPES) or not _is_integers(data[1], 64) or data[2] not in LAYOUTS or any(data[3:4]):
        raise _unknown("type")


def check_attribute(given: Any, depth: int = 0) -> None:
    """
    Raises:
        MalformedGraph: its value is of another kind than it says, or of one that no model needs.
    """
    kind = given.get("#") if isinstance(given, dict) else None
    if depth > DEEPEST or not isinstance(kind, str):
        raise _unknown("attribute")
    data = given.get("D")
    if kind == "0.a_array" and isinstance(data, list):
        for each in data:
            check_attribute(each, depth + 1)
    elif kind == "0.a_type":
        check_type(data)
    elif kind not in KINDS or not (KINDS[kind](data) or (kind in FLOATS and given.get("VD") in ENDLESS)):
        raise _unknown("attribute")


def _unknown(what: str) -> MalformedGraph:
    return MalformedGraph(f"an operation of it has {'a' if what == 'type' else 'an'} {what} of an unknown kind")


def _is_integer(value: Any, bits: int) -> bool:
    return type(value) is int and -(1 << bits - 1) <= value < 1 << bits - 1


def _is_integers(value: Any, bits: int) -> bool:
    return isinstance(value, list) and all(_is_integer(one, bits) for one in value)


def _is_number(value: Any) -> bool:
    return type(value) is float or _is_integer(value, 64)


def _is_complex(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _is_place(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and _is_integers(value[:2], 8) and isinstance(value[2], str)


def _is_scalar(value: Any) -> bool:
    if not isinstance(value, list) or not 2 <= len(value) <= 3:
        return False
    return _is_name(value[0], DTYPES) and all(type(one) is bool or _is_number(one) for one in value[1:])


def _is_name(value: Any, known: frozenset[str]) -> bool:
    return isinstance(value, str) and value in known


ENDLESS = ("NaN", "NAN", "INF", "-INF")
FLOATS = ("0.a_f32", "0.a_f64")
KINDS: Mapping[str, Callable[[Any], bool]] = {
    "0.a_bool": lambda value: type(value) is bool,
    "0.a_i32": lambda value: _is_integer(value, 32),
    "0.a_i64": lambda value: _is_integer(value, 64),
    "0.a_index": lambda value: _is_integer(value, 64),
    "0.a_f32": _is_number,
    "0.a_f64": _is_number,
    "0.a_c64": _is_complex,
    "0.a_c128": _is_complex,
    "0.a_str": lambda value: isinstance(value, str),
    "0.a_tensorname": lambda value: isinstance(value, str),
    "1.a_dtype": lambda value: _is_name(value, DTYPES),
    "1.a_layout": lambda value: _is_name(value, LAYOUTS),
    "1.a_intarray": lambda value: _is_integers(value, 64),
    "1.a_place": _is_place,
    "1.a_scalar": _is_scalar,
}
"""Kinds of attributes that hold one value; Paddle takes an address from one that is left out."""
