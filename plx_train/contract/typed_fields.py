"""Whether a dataclass's fields hold what their types say: of values that somebody else has written down."""

from __future__ import annotations

import numbers
import types
from dataclasses import fields
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

SHOWN = 60
"""Characters of a value that are shown."""


def check_fields(instance: Any) -> None:
    """
    Raises:
        TypeError: a field holds a value of another type.
    """
    kind: type = type(instance)
    hints = _hints(kind)
    for field in fields(instance):
        value = getattr(instance, field.name)
        if not _fits(value, hints.get(field.name, Any)):
            raise TypeError(f"{field.name} is {repr(value)[:SHOWN]}, not {field.type}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    try:
        return get_type_hints(kind)
    except NameError:  # of a room whose types are only there for type checkers
        return {}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type: a plain one, a tuple, or one of several; of all else it is taken for granted."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if parts[1:] == (...,):
            return all(_fits(one, parts[0]) for one in value)
        return len(value) == len(parts) and all(map(_fits, value, parts))
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint in (int, float):
        kind = numbers.Integral if hint is int else numbers.Real
        return isinstance(value, kind) and not isinstance(value, bool)
    return not isinstance(hint, type) or origin is not None or isinstance(value, hint)
