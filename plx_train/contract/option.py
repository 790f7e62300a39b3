"""An option is a dataclass field on which its rules stand: what its values may be, and what they mean to a command.

Fields that are declared without rules are options too; nothing is asked of their values but their type.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from plx_train.contract.sentences import sentence_of

RULES = "plx_train.rules"
"""Key of a field's metadata under which its rules lie."""


class Trait(Enum):
    """What an option is to those who read, repeat or change commands."""

    BARE = "may be typed without the name of its section"
    INTERNAL = "is found by the program; neither help nor documents show it"
    HARMLESS = "may differ when a run goes on: it changes neither the steps nor what is measured"
    SURROUNDING = "says how a command goes on with a run, not what the run is"
    FIXED_IN_SWEEP = "can't vary in a sweep"
    HOW_TO_SWEEP = "may differ where a sweep goes on: it says how, not what"
    OF_FUSION = "concerns a fusion as a whole, not the runs of its members"


@dataclass(frozen=True)
class Choices:
    """Names of which a value, or each of a list's, is one."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        *others, last = self.names
        return f"{', '.join(others)} or {last}" if others else last


@dataclass(frozen=True)
class Interval:
    """Bounds of a number, or of each in a list; None: there is no such bound."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    multiple_of: int | None = None

    def holds(self, value: float) -> bool:
        """Whether `value` lies within; no NaN does."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
            and (self.multiple_of is None or value % self.multiple_of == 0)
        )

    def __str__(self) -> str:
        if self.multiple_of is not None:
            return f"a multiple of {self.multiple_of}" + (f" from {self.at_least:g} on" if self.at_least else "")
        low = f"at least {self.at_least:.10g}" if self.at_least is not None else ""
        low = f"above {self.above:.10g}" if self.above is not None else low
        high = f"at most {self.at_most:.10g}" if self.at_most is not None else ""
        high = f"below {self.below:.10g}" if self.below is not None else high
        if self.at_least is not None and high:
            return f"from {self.at_least:.10g} to {high.removeprefix('at most ')}"
        return " and ".join(filter(None, (low, high)))


@dataclass(frozen=True)
class Length:
    """How many values a list has."""

    number: int

    def __str__(self) -> str:
        return f"{self.number} values"


@dataclass(frozen=True)
class TypedAs:
    """Another key under which users may type the option."""

    key: str


class Form(Enum):
    """What the texts or numbers of an option look like beyond their type."""

    PATTERNS = "regular expressions: a list's values, or a mapping's keys"
    DURATION = "a time such as 90s, 20m or 1h30m"
    RISING = "numbers of which each is greater than the one before"
    RANGE = "two numbers, the first no greater than the second"
    FILLED = "a list of one value or more"
    PORTION = "a part of samples: 10%, 200 or 5/class"


PATTERNS, DURATION = Form.PATTERNS, Form.DURATION
RISING, RANGE, FILLED, PORTION = Form.RISING, Form.RANGE, Form.FILLED, Form.PORTION
NOUNS = {
    "int": ("a whole number", "whole numbers"),
    "float": ("a number", "numbers"),
    "str": ("a text", "texts"),
    "bool": ("true or false", "true or false"),
}
EXAMPLES = {"int": "[1,2]", "float": "[0.1,0.5,0.9]", "str": "[load]"}
"""Lists for messages about options that have no list by default."""

Rule = Choices | Interval | Length | Form | TypedAs | Trait


def one_of(*names: str) -> Choices:
    """The rule that a value is one of `names`."""
    return Choices(names)


def at_least(low: float, *, at_most: float | None = None, below: float | None = None) -> Interval:
    """The rule that a number is `low` or more."""
    return Interval(at_least=low, at_most=at_most, below=below)


def above(low: float, *, at_most: float | None = None, below: float | None = None) -> Interval:
    """The rule that a number is more than `low`."""
    return Interval(above=low, at_most=at_most, below=below)


def multiple_of(number: int, *, at_least: int | None = None) -> Interval:
    """The rule that a number is `number`, or a whole number of times that."""
    return Interval(above=0, at_least=at_least, multiple_of=number)


def length(number: int) -> Length:
    """The rule that a list has `number` values."""
    return Length(number)


def option(default: Any, *rules: Rule) -> Any:
    """A dataclass field with rules.

    Args:
        default: its value, lists and mappings included; a dataclass for a section of options, whose traits are
            those of all options in it.
    """
    metadata = {RULES: rules}
    if isinstance(default, type):
        return field(default_factory=default, metadata=metadata)
    if isinstance(default, list | dict):
        return field(default_factory=partial(copy.deepcopy, default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Option:
    """An option as its field declares it.

    Attributes:
        key: dotted, as users type it.
        type_name: in Python's words, without ``None``: ``int``, ``list[str]``.
        is_optional: it may be null.
        short: another key for it, where there is one.
        section: the dataclass that declares it.
    """

    key: str
    type_name: str
    is_optional: bool
    default: Any
    choices: Choices | None
    interval: Interval | None
    length: Length | None
    forms: frozenset[Form]
    traits: frozenset[Trait]
    short: str | None
    section: type

    @property
    def name(self) -> str:
        """The key's last part."""
        return self.key.rpartition(".")[2]

    @property
    def sentence(self) -> str:
        """What stands below the field in its source; empty where nothing does."""
        return sentence_of(self.section, self.name)

    @property
    def example(self) -> str:
        """A list that it takes, as it is typed."""
        given = self.default if isinstance(self.default, list) else []
        inner = self.type_name.partition("[")[2].rstrip("]")
        return f"[{','.join(map(str, given))}]" if given else EXAMPLES.get(inner, "[…]")

    @property
    def is_mapping(self) -> bool:
        """Whether it holds values under keys that users choose."""
        return self.type_name.startswith("dict")

    @property
    def holds_text(self) -> bool:
        """Whether its value, or each that it holds, is a text that stays as it is typed."""
        return self.type_name in ("str", "list[str]", "dict[str, str]")

    @property
    def values(self) -> str:
        """What its value may be, in words: ``int, at least 1, or null``."""
        is_each = self.type_name.startswith("list")
        rule = self.choices or self.interval
        words = [] if self.choices and not is_each else [self.type_name]
        words += [str(self.length)] if self.length else []
        words += [f"each {rule}" if is_each else str(rule)] if rule else []
        if not self.is_optional:
            return ", ".join(words)
        return f"{', '.join(words)}{',' if rule or self.length else ''} or null"

    @property
    def takes_in_mapping(self) -> str:
        """What each key of a mapping takes."""
        inner = self.type_name.rstrip("]").rpartition(", ")[2]
        return NOUNS.get(inner, ("another value",))[0]

    @property
    def takes(self) -> str:
        """What it takes, as a sentence says it: ``a list of 2 whole numbers, as in [224,224]``."""
        kind, _, inner = self.type_name.rstrip("]").partition("[")
        if kind == "list":
            number = f"{self.length.number} " if self.length else ""
            words = f"a list of {number}{NOUNS.get(inner, (inner, inner))[1]}, as in {self.example}"
        elif kind == "dict":
            words = "a mapping, as in {name: value}"
        else:
            words = " or ".join(NOUNS.get(one, (one,))[0] for one in self.type_name.split(" or "))
            words = str(self.choices) if self.choices else f"{words}, {self.interval}" if self.interval else words
        return f"{words}, or null" if self.is_optional else words


@cache
def options_of(kind: type, prefix: str = "") -> Mapping[str, Option]:
    """The options that a dataclass declares, those of its sections included, by key and in order.

    Args:
        prefix: of the keys, without a dot after it.
    """
    return MappingProxyType(_options_of(kind, prefix, frozenset()))


def _options_of(kind: type, prefix: str, inherited: frozenset[Trait]) -> dict[str, Option]:
    hints = get_type_hints(kind)
    found: dict[str, Option] = {}
    for entry in fields(kind):
        key = f"{prefix}.{entry.name}" if prefix else entry.name
        rules = entry.metadata.get(RULES, ())
        traits = inherited.union(rule for rule in rules if isinstance(rule, Trait))
        hint = hints[entry.name]
        if isinstance(hint, type) and is_dataclass(hint):
            found |= _options_of(hint, key, traits)
        else:
            found[key] = _option(key, entry, hint, traits, kind)
    return found


def _option(key: str, entry: Field[Any], hint: Any, traits: frozenset[Trait], section: type) -> Option:
    rules = entry.metadata.get(RULES, ())
    short = next((rule.key for rule in rules if isinstance(rule, TypedAs)), None)
    return Option(
        key=key,
        type_name=_type_name(hint),
        is_optional=NoneType in get_args(hint),
        default=entry.default_factory() if entry.default_factory is not MISSING else entry.default,
        choices=next((rule for rule in rules if isinstance(rule, Choices)), None),
        interval=next((rule for rule in rules if isinstance(rule, Interval)), None),
        length=next((rule for rule in rules if isinstance(rule, Length)), None),
        forms=frozenset(rule for rule in rules if isinstance(rule, Form)),
        traits=traits,
        short=short or (entry.name if Trait.BARE in traits else None),
        section=section,
    )


def _type_name(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_type_name(one) for one in get_args(hint) if one is not NoneType)
    if get_origin(hint) is not None:
        inner = ", ".join(_type_name(one) for one in get_args(hint))
        return f"{get_origin(hint).__name__}[{inner}]"
    return "any" if hint is Any else str(getattr(hint, "__name__", hint))
