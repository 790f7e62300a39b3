"""Values by dotted key, and whether they are among those that their options can have, beside their types."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from plx_train.contract.option import Option
from plx_train.ground.errors import ConfigError


def check_values(options: Mapping[str, Option], flat: Mapping[str, Any]) -> None:
    """
    Args:
        options: whose values are looked at.
        flat: the value of each by key; null is no value, and fits all.

    Raises:
        ConfigError: the first value that is none of those possible.
    """
    for key, one in options.items():
        for value in _given(flat.get(key)):
            if one.choices and str(value) not in one.choices.names:
                refuse(f"{key}={value} does not exist", str(value), one.choices.names)
    for key, one in options.items():
        value = flat.get(key)
        if one.length and isinstance(value, list) and len(value) != one.length.number:
            raise ConfigError(f"{key}={value} must have {one.length}, not {len(value)}")
        if one.interval and not all(one.interval.holds(number) for number in _given(value)):
            each = "each" if isinstance(value, list) else "it"
            raise ConfigError(f"{key}={value} is out of range: {each} must be {one.interval}")
    for key, one in options.items():
        if one.has_patterns:
            _check_patterns(key, _patterns(key, flat))


def _patterns(key: str, flat: Mapping[str, Any]) -> list[str]:
    """A list's values, or the keys of a mapping, whose leaves stand under them."""
    return [
        *map(str, _given(flat.get(key))),
        *(one.removeprefix(f"{key}.") for one in flat if one.startswith(f"{key}.")),
    ]


def _check_patterns(key: str, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ConfigError(f"{key}: {pattern!r} is no regular expression: {error}") from None


def _given(value: Any) -> list[Any]:
    """A list's values, or the one there is."""
    return value if isinstance(value, list) else [] if value is None else [value]


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves of nested dicts by dotted key; lists are leaves."""
    if not isinstance(tree, dict):
        return {prefix: tree}
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        leaves |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return leaves


def refuse(fault: str, given: str, known: Sequence[str]) -> NoReturn:
    """
    Raises:
        ConfigError: `fault`, with the nearest of the `known` names.
    """
    near = nearest(given, known)
    if near:
        raise ConfigError(f"{fault}; did you mean '{near}'?")
    shown = ", ".join(name for name in known if "." not in name)
    raise ConfigError(f"{fault}; there is: {shown}")


def nearest(given: str, known: Sequence[str]) -> str | None:
    """The name that was meant, perhaps: the one like `given`, or whose last part is like that of `given`."""
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    if not near:
        tails = {name.rpartition(".")[2]: name for name in reversed(known)}
        near = [tails[tail] for tail in difflib.get_close_matches(given.rpartition(".")[2], list(tails), n=1)]
    return near[0] if near else None
