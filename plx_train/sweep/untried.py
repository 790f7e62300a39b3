"""Configurations that a search has not tried: how many there are, and which comes nearest to one that was."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice
from random import Random
from typing import Any

from plx_train.sweep.parameter import EndlessSpace, Parameter
from plx_train.sweep.space import Space

MOST_LISTED = 5_000
"""Configurations of a space that are looked through; from larger ones some are drawn."""
MOST_DRAWN = 1_000

Key = tuple[tuple[str, str], ...]


def key_of_values(values: Mapping[str, Any]) -> Key:
    """What two configurations share exactly when they are equal, numbers to 12 digits."""
    texts = {name: f"{value:.12g}" if isinstance(value, float) else str(value) for name, value in values.items()}
    return tuple(sorted(texts.items()))


def num_combinations(space: Space, most: int) -> int:
    """Configurations that there are, but `most` at most."""
    try:
        return sum(1 for _ in islice(space.combinations(), most))
    except EndlessSpace:
        return most


def untried(space: Space, near: Mapping[str, Any], tried: Collection[Key], random: Random) -> dict[str, Any] | None:
    """A configuration that is not among `tried`; of a small space the one most like `near`; None if all were tried."""
    every = _listed(space)
    if every is not None:
        free = (values for values in every if key_of_values(values) not in tried)
        return min(free, key=lambda values: _distance(space, values, near), default=None)
    drawn = (space.values(lambda parameter: parameter.draw(random)) for _ in range(MOST_DRAWN))
    return next((values for values in drawn if key_of_values(values) not in tried), None)


def _listed(space: Space) -> list[dict[str, Any]] | None:
    try:
        every = list(islice(space.combinations(), MOST_LISTED + 1))
    except EndlessSpace:
        return None
    return every if len(every) <= MOST_LISTED else None


def _distance(space: Space, one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    return sum(
        _difference(parameter, one.get(parameter.name), other.get(parameter.name)) for parameter in space.parameters
    )


def _difference(parameter: Parameter, one: Any, other: Any) -> float:
    """0 where they are equal, 1 where they have nothing in common."""
    if one is None or other is None or parameter.choices:
        return float(one != other)
    return abs(float(one) - float(other)) / (parameter.high - parameter.low or 1.0)
