"""What all trials of a sweep have in common: a command that says otherwise is another sweep's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from plx_train.config.written import written
from plx_train.ground.errors import UserError
from plx_train.ground.parsed import parse_json
from plx_train.sweep.record import Objective
from plx_train.sweep.space import Space

MOST_TOLD = 5
"""Differences that a sentence lists; further ones are counted."""
ROOT = "dataset.root"


@dataclass(frozen=True)
class Identity:
    """What is swept, JSON-able.

    Attributes:
        space: what each parameter is searched in, by key.
        fixed: values that all runs have, by key.
        objectives: ``maximize val/hmean``, in order.
        seeds: runs of each configuration.
        is_grid: values are tried in order, not chosen.
    """

    space: dict[str, str]
    fixed: dict[str, Any]
    objectives: list[str]
    seeds: int = 1
    is_grid: bool = False

    def to_json(self) -> str:
        """As a line of text."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Identity:
        """What `to_json` gave."""
        return cls(**parse_json(text))


def identity(
    space: Space, fixed: Mapping[str, Any], objectives: Iterable[Objective], seeds: int = 1, is_grid: bool = False
) -> Identity:
    """That of a sweep; of `fixed` stays what does not vary."""
    varying = {parameter.name: str(parameter) for parameter in space.parameters}
    kept = {key: value for key, value in fixed.items() if key not in varying}
    sought = [f"{one.direction} {one.metric or 'its own figure'}" for one in objectives]
    made = Identity(varying, kept, sought, seeds, is_grid)
    # As it is read back, lists for tuples and texts for paths.
    return Identity.from_json(made.to_json())


def differences(before: Identity, now: Identity) -> list[str]:
    """Phrases on what is not as it was; data that lie elsewhere are not told, they may have moved."""
    found = [_changed(key, now.space.get(key), before.space.get(key)) for key in _differing(before.space, now.space)]
    # A preset that varies brings other fixed values with it.
    if all("." in key for key in _differing(before.space, now.space)):
        keys = [key for key in _differing(before.fixed, now.fixed) if key in before.fixed and key in now.fixed]
        keys = [key for key in keys if key != ROOT]
        # Of another module or preset, the rest follows from it.
        keys = ["module.name"] if "module.name" in keys else keys
        found += [_changed(key, written(now.fixed[key]), written(before.fixed[key])) for key in keys]
    if before.objectives != now.objectives:
        found.append(f"what is sought is {', '.join(now.objectives)} (was {', '.join(before.objectives)})")
    if before.seeds != now.seeds:
        found.append(_changed("sweep.seeds", str(now.seeds), str(before.seeds)))
    if before.is_grid != now.is_grid:
        kinds = {True: "a grid", False: "a search"}
        found.append(f"it is {kinds[now.is_grid]} (was {kinds[before.is_grid]})")
    return found


def refuse_to_mix(name: str, found: list[str], way_out: str) -> None:
    """
    Raises:
        UserError: something differs from what the sweep was begun with.
    """
    if not found:
        return
    told = "; ".join(found[:MOST_TOLD]) + (f"; and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else "")
    raise UserError(f"sweep {name} was begun with something else, and nothing is mixed: {told}; {way_out}")


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [key for key in {**now, **before} if before.get(key) != now.get(key)]


def _changed(key: str, now: str | None, before: str | None) -> str:
    if now is None:
        return f"{key} does not vary (was {before})"
    return f"{key}={now} ({'was ' + before if before is not None else 'did not vary'})"
