"""Which networks there are, how large each is, and which of its sizes can be chosen."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields

from plx_train.ground.errors import ConfigError


@dataclass(frozen=True)
class Sizes:
    """Width, layers and dropout of a network; 0 layers or width, or a dropout below 0: it has no such size."""

    hidden: int = 0
    depth: int = 0
    dropout: float = -1.0


FORECASTERS = {
    "DLinear": Sizes(),
    "NLinear": Sizes(),
    "RLinear": Sizes(),
    "PatchTST": Sizes(64, 2, 0.1),
    "TiDE": Sizes(128, 1, 0.1),
    "TimesNet": Sizes(16, 2, 0.1),
}
RECONSTRUCTORS = {
    "DLinear_ad": Sizes(hidden=16),
    "AutoEncoder_ad": Sizes(128, 3, 0.0),
    "PatchTST_ad": Sizes(32, 2, 0.1),
    "TimesNet_ad": Sizes(16, 2, 0.1),
}
CLASSIFIERS = {"InceptionTime": Sizes(32, 6, 0.0), "TimesNet_cls": Sizes(32, 2, 0.1)}
WITH_COVARIATES = ("TiDE", "TimesNet")


def check_names(given: Iterable[str], known: Collection[str], key: str = "network") -> None:
    """
    Raises:
        ConfigError: a network of ``module.<key>`` is none of those that are known.
    """
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(known)}"
            raise ConfigError(f"module.{key} names no network by {name!r}; {hint}")


def check_takes_covariates(given: Iterable[str]) -> None:
    """
    Raises:
        ConfigError: a network that is to have covariates takes none.
    """
    for name in given:
        if name not in WITH_COVARIATES:
            raise ConfigError(
                f"{name} takes no covariates: choose module.network={' or '.join(WITH_COVARIATES)}, or leave out "
                "module.calendar and the covariates of dataset.columns"
            )


def chosen_sizes(name: str, own: Sizes, hidden: int | None, depth: int | None, dropout: float | None) -> Sizes:
    """The network's own sizes, with those that were chosen in their place.

    Raises:
        ConfigError: the network `name` has none such.
    """
    given = {"hidden": hidden, "depth": depth, "dropout": dropout}
    for field in fields(own):
        if given[field.name] is not None and getattr(own, field.name) == field.default:
            raise ConfigError(f"module.{field.name} says nothing to {name}, which has no such size: leave it out")
    return Sizes(
        own.hidden if hidden is None else hidden,
        own.depth if depth is None else depth,
        own.dropout if dropout is None else dropout,
    )
