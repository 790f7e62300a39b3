"""Values by dotted key, and whether they are among those that their options can have, beside their types."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from plx_train.contract.option import Form, Option
from plx_train.ground.durations import parse_duration
from plx_train.ground.errors import ConfigError
from plx_train.ground.portions import parse_portion

MOST = 2**63 - 1
"""Largest whole number of 64 bits; what is beyond, infinity too, no option means."""


def check_values(options: Mapping[str, Option], flat: Mapping[str, Any]) -> None:
    """
    Args:
        options: whose values are looked at.
        flat: the value of each by key; null is no value, and fits all.

    Raises:
        ConfigError: the first value that is none of those possible.
    """
    check_choices(options, flat)
    for key, one in options.items():
        value = flat.get(key)
        if one.holds_text and not one.is_mapping and "" in _given(value):
            raise ConfigError(f"{key} is empty: give it a value, or leave it out")
        if one.length and isinstance(value, list) and len(value) != one.length.number:
            raise ConfigError(f"{key}={value} must have {one.length}, not {len(value)}, as in {one.example}")
        _check_numbers(key, one, value)
        for name in _names(key, flat):
            _check_numbers(f"{key}.{name}", one, flat[f"{key}.{name}"])
    for key, one in options.items():
        _check_forms(key, one, flat)


def check_choices(options: Mapping[str, Option], flat: Mapping[str, Any]) -> None:
    """Looks at those values alone that are names, with `check_values`' arguments.

    Raises:
        ConfigError: the first that is no name of its option.
    """
    for key, one in options.items():
        for value in _given(flat.get(key)):
            if one.choices and str(value) not in one.choices.names:
                refuse(f"{key}={value} does not exist", str(value), one.choices.names)


def _check_numbers(key: str, option: Option, value: Any) -> None:
    numbers = [one for one in _given(value) if isinstance(one, int | float)]
    each = "each" if isinstance(value, list) else "it"
    if option.interval and not all(map(option.interval.holds, numbers)):
        raise ConfigError(f"{key}={value} is out of range: {each} must be {option.interval}{_hint(option, value)}")
    if not all(abs(number) <= MOST if isinstance(number, int) else math.isfinite(number) for number in numbers):
        raise ConfigError(f"{key}={value} is out of range: {each} must be a finite number of at most 64 bits")


def _hint(option: Option, value: Any) -> str:
    """The nearest value, where only multiples of a number are taken."""
    step = option.interval.multiple_of if option.interval else None
    least = option.interval.at_least if option.interval else None
    if not step or not all(abs(one) <= MOST for one in _given(value)):
        return ""
    near = [max(int(least or step), (int(one) + step // 2) // step * step) for one in _given(value)]
    return f", as in [{','.join(map(str, near))}]" if isinstance(value, list) else f", as in {near[0]}"


def _check_forms(key: str, option: Option, flat: Mapping[str, Any]) -> None:
    value = flat.get(key)
    if Form.PATTERNS in option.forms:
        _check_patterns(key, [*map(str, _given(value)), *_names(key, flat)])
    if value is None:
        return
    if Form.DURATION in option.forms:
        parse_duration(value, key)
    if Form.PORTION in option.forms:
        parse_portion(value, key)
    if Form.FILLED in option.forms and not value:
        raise ConfigError(f"{key}=[] is empty: name one, as in {option.example}, or leave it out")
    if Form.RISING in option.forms and value != sorted(set(value)):
        raise ConfigError(f"{key} must rise, as in {option.example}, not {value}")
    if Form.RANGE in option.forms and value != sorted(value):
        raise ConfigError(f"{key} must be a range from the lesser to the greater, as in {option.example}, not {value}")


def _names(key: str, flat: Mapping[str, Any]) -> list[str]:
    """The keys of a mapping, whose leaves stand under it."""
    return [one.removeprefix(f"{key}.") for one in flat if one.startswith(f"{key}.")]


def _check_patterns(key: str, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        fault = _fault_of(pattern)
        if fault:
            # Names with * are globs: what they mean is written .* here.
            meant = re.sub(r"(^|(?<=[|(]))([*+?])", r".\2", re.sub(r"\*+", "*", pattern))
            hint = f"; did you mean {meant!r}?" if not _fault_of(meant) else ""
            raise ConfigError(f"{key}: {pattern!r} is no regular expression: {fault}{hint}")


def _fault_of(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error) or "it nests too deeply"
    return ""


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
