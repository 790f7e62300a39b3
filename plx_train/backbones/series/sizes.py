"""How large a network is, and which of its sizes can be chosen."""

from __future__ import annotations

from dataclasses import dataclass, fields

from plx_train.errors import ConfigError


@dataclass(frozen=True)
class Sizes:
    """Width, layers and dropout of a network; 0 layers or width, or a dropout below 0: it has no such size."""

    hidden: int = 0
    depth: int = 0
    dropout: float = -1.0


def chosen_sizes(name: str, own: Sizes, hidden: int | None, depth: int | None, dropout: float | None) -> Sizes:
    """The network's own sizes, with those that were chosen in their place.

    Raises:
        ConfigError: one is out of range, or the network `name` has none such.
    """
    given = {"hidden": hidden, "depth": depth, "dropout": dropout}
    for field in fields(own):
        if given[field.name] is not None and getattr(own, field.name) == field.default:
            raise ConfigError(f"module.{field.name} says nothing to {name}, which has no such size: leave it out")
    if (hidden is not None and hidden < 1) or (depth is not None and depth < 1):
        raise ConfigError(f"module.hidden and module.depth must be 1 at least, not {hidden} and {depth}")
    if dropout is not None and not 0 <= dropout < 1:
        raise ConfigError(f"module.dropout must be 0 to below 1, not {dropout}")
    return Sizes(
        own.hidden if hidden is None else hidden,
        own.depth if depth is None else depth,
        own.dropout if dropout is None else dropout,
    )
