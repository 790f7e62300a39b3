"""What a pipeline's configuration names beside models: folders of data, as paths or as references to a registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from plx_train.ground.files import resolve_path

FOLDERS = ("index",)
"""Keys of a configuration that name folders of data, which are frozen with it."""
NOTHING = (None, "", "None")
"""How configurations say that there is none; the last is PaddleX's."""


class Found(Protocol):
    """What a reference to a registry stands for."""

    @property
    def folder(self) -> Path: ...

    @property
    def version(self) -> str | None: ...

    @property
    def run_id(self) -> str | None: ...


Resolve = Callable[[str], Found | None]
"""Takes what a configuration names; None where it is no reference, but a folder."""


@dataclass(frozen=True)
class LoadedData:
    """A folder of data, and where it comes from.

    Attributes:
        reference: as it was asked for.
        version: in the registry, where it comes from there.
    """

    folder: Path
    reference: str
    version: str | None = None


def data_named(given: str, resolve: Resolve | None) -> LoadedData:
    """The folder that a path or a reference stands for; whether it is there is for its reader to say.

    Raises:
        UserError: a reference leads nowhere.
    """
    found = resolve(given) if resolve else None
    if found is None:
        return LoadedData(resolve_path(given), given)
    return LoadedData(found.folder, given, found.version)


def data_of(config: dict[str, Any], resolve: Resolve | None) -> Mapping[str, LoadedData]:
    """The folders of data that a configuration names, by its keys; it says then which folders they are."""
    data = {key: data_named(str(config[key]), resolve) for key in FOLDERS if config.get(key) not in NOTHING}
    config |= {key: str(data[key].folder) if key in data else None for key in FOLDERS if key in config}
    return data
