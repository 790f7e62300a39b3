"""Mappings whose keys users choose, as in ``optimizer.lr_scale={".*bias": 2}``: Hydra's grammar knows few keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict

from plx_train.config.texts import cut, options_at, split, unquoted
from plx_train.ground.errors import ConfigError


@dataclass(frozen=True)
class Entry:
    """One value in a mapping; ``typed`` is what the user wrote of it.

    Attributes:
        place: key of the mapping.
        name: key in it.
    """

    place: str
    name: str
    value: Any
    typed: str


def is_entry(text: str) -> bool:
    """Whether an override gives a mapping's values; one that is deleted is left to Hydra."""
    key, separator, value = text.partition("=")
    place = _place(key.lstrip("+"))
    return bool(separator and place and (key.lstrip("+") != place or value.lstrip().startswith("{")))


def entries_of(text: str) -> list[Entry]:
    """What an override gives to a mapping.

    Raises:
        ConfigError: it can't be read, or has several values.
    """
    key, _, value = text.partition("=")
    key = key.lstrip("+")
    place = _place(key)
    assert place is not None
    if key != place:
        name = key.removeprefix(f"{place}.")
        return [Entry(place, name, _value(place, value, text), text)]
    inner = value.strip().removeprefix("{")
    if not inner.endswith("}"):
        raise ConfigError(f"{text} does not end in }}: write {place}={{name: value, 'other name': value}}")
    found = []
    for pair in filter(None, split(inner[:-1], ",", ":,[{(")):
        name, given = cut(pair, ":")
        if given is None:
            raise ConfigError(f"{text}: {pair} has no value: write {place}={{name: value, 'other name': value}}")
        found.append(Entry(place, unquoted(name), _value(place, given, text), text))
    return found


def put(config: DictConfig, entries: Sequence[Entry]) -> None:
    """Puts entries into their mappings.

    Raises:
        OmegaConfBaseException: a value is none that the mapping takes.
    """
    for one in entries:
        with open_dict(OmegaConf.select(config, one.place)) as node:
            node[one.name] = one.value


def _place(key: str) -> str | None:
    found = options_at(key)
    return found[0].key if found and found[0].is_mapping else None


def _value(place: str, value: str, text: str) -> Any:
    if any(one.holds_text for one in options_at(place)):
        return unquoted(value)
    try:
        (item,) = OverridesParser.create().parse_overrides([f"value={value}"])
    except HydraException:
        raise ConfigError(f"the value {value} of {text} can't be read: put it in quotes") from None
    if item.is_sweep_override():
        raise ConfigError(f"{text.partition('=')[0]} has several values: add -m for one run with each")
    return item.value()
