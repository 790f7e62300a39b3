"""All options of a run together: those outside the module, and the module's own, which its room declares."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.option import Option, Trait, options_of
from plx_train.contract.rooms import usable_options

MODULE = "module"


@cache
def options_of_run() -> Mapping[str, Option]:
    """Every option outside the module by key and in order."""
    return MappingProxyType({key: one for key, one in options_of(RunOptions).items() if key != MODULE})


def options_with_module(module: Any) -> Mapping[str, Option]:
    """Every option by key and in order, those of the module's dataclass or an instance of it included."""
    return {**options_of_run(), **options_of(module if isinstance(module, type) else type(module), MODULE)}


def options_of_rooms() -> tuple[Option, ...]:
    """The options of all rooms there are."""
    return tuple(one for kind in usable_options().values() for one in options_of(kind, MODULE).values())


def option_at(options: Mapping[str, Option], key: str) -> Option | None:
    """The option at `key`, or the mapping that holds it: ``device.env`` for ``device.env.HOME``."""
    while key and key not in options:
        key = key.rpartition(".")[0]
    return options.get(key)


def has_trait(options: Mapping[str, Option], key: str, trait: Trait) -> bool:
    """Whether the option at `key` has a trait, or all options of the section of that name have it."""
    found = option_at(options, key)
    if found:
        return trait in found.traits
    below = [one for name, one in options.items() if name.startswith(f"{key}.")]
    return bool(below) and all(trait in one.traits for one in below)
