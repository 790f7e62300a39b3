"""Finds rooms: the folder name is the registry, entry points add third parties'."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

from plx_train.ground.errors import UserError, reason_of

if TYPE_CHECKING:
    from plx_train.contract.room import AnyRoom

ENTRY_POINT_GROUP = "plx_train.modules"


def room_names() -> list[str]:
    """Names of all rooms: folders of `plx_train.modules` and entry points of installed packages."""
    import plx_train.modules

    own = [found.name for found in pkgutil.iter_modules(plx_train.modules.__path__) if found.ispkg]
    return sorted({*own, *_foreign()})


def room_package(name: str) -> str:
    """The dotted name of a room's package."""
    point = _foreign().get(name)
    return point.value if point else f"plx_train.modules.{name}"


def _foreign() -> Mapping[str, metadata.EntryPoint]:
    return _installed(tuple(sys.path))


@cache
def _installed(folders: tuple[str, ...]) -> Mapping[str, metadata.EntryPoint]:
    """Looked up once for the packages that are installed in these folders."""
    return MappingProxyType({point.name: point for point in metadata.entry_points(group=ENTRY_POINT_GROUP)})


def foreign_folders() -> list[Path]:
    """Folders of the packages that bring rooms from outside; nothing of them is imported."""
    found = []
    for point in _foreign().values():
        try:
            spec = importlib.util.find_spec(point.value)
        except Exception:  # whatever is wrong with the package is told to whoever asks for its room
            continue
        found += [Path(place) for place in (spec.submodule_search_locations if spec else None) or ()]
    return found


def options_class(name: str) -> type:
    """The dataclass of a room's options, from its file ``config.py``: composing a command needs no more of a room.

    Raises:
        UserError: there is no such room, or it is of another package and has no options that can be read.
    """
    names = room_names()
    if name not in names:
        raise UserError(f"the module type {name} is none of {', '.join(names)}")
    return _options_of(name)


def _options_of(name: str) -> type:
    for kind in vars(_imported(name, "config")).values():
        if inspect.isclass(kind) and is_dataclass(kind) and _is_named(kind, name):
            return kind
    raise UserError(f'the module type {name} ({_origin(name)}) has no dataclass with name: str = "{name}" in config.py')


def usable_options() -> dict[str, type]:
    """The options of all rooms; those of other packages that have none are told to whoever asks for their room."""
    found = {}
    for name in room_names():
        try:
            found[name] = _options_of(name)
        except UserError:
            continue
    return found


def _imported(name: str, file: str) -> ModuleType:
    """A file of a room; whatever is wrong with one of ours is our own fault."""
    try:
        return importlib.import_module(f"{room_package(name)}.{file}")
    except Exception as error:
        if name not in _foreign():
            raise
        reason = reason_of(error)
        raise UserError(
            f"the module type {name} ({_origin(name)}) can't be imported, ask its makers: {file}.py: {reason}"
        ) from error


def _is_named(kind: type, name: str) -> bool:
    return any(entry.name == "name" and entry.default == name for entry in fields(kind))  # type: ignore[arg-type]


@cache
def load_room(name: str) -> AnyRoom:
    """The room of this name: the one subclass of `Room` that its file ``room.py`` defines.

    Raises:
        UserError: it is of another package and was written for another version of the contract, or is not whole.
    """
    # A misspelt key is told without what rooms are made of, numpy among it.
    from plx_train.contract.room import CONTRACT, Room

    package = room_package(name)
    try:
        file = _imported(name, "room")
    except UserError as error:
        cause = error.__cause__
        if not isinstance(cause, ModuleNotFoundError) or cause.name != f"{package}.room":
            raise
        raise UserError(
            f"the module type {name} ({_origin(name)}) has no room.py, so it was written for a version of plx_train's "
            f"contract before {CONTRACT}: install a release of it that fits, or change it"
        ) from None
    kinds = [
        kind
        for kind in vars(file).values()
        if inspect.isclass(kind) and issubclass(kind, Room) and kind.__module__ == file.__name__
    ]
    if len(kinds) != 1:
        raise UserError(f"{package}/room.py must define one subclass of plx_train.contract.room.Room, not {len(kinds)}")
    kind = kinds[0]
    if getattr(kind, "contract", None) != CONTRACT:
        raise UserError(
            f"the module type {name} ({_origin(name)}) was written for version {getattr(kind, 'contract', 'none')} of "
            f"plx_train's contract, this is version {CONTRACT}: install a release of it that fits, or change it"
        )
    missing = sorted(kind.__abstractmethods__ | {each for each in ATTRIBUTES if not hasattr(kind, each)})
    if missing:
        raise UserError(f"the module type {name} ({_origin(name)}) is not whole: it lacks {', '.join(missing)}")
    return kind()


ATTRIBUTES = ("name", "options", "processor", "metric", "monitor")
"""What a room must say of itself beside its methods."""


def _origin(name: str) -> str:
    point = _foreign().get(name)
    if point is None:
        return f"plx_train.modules.{name}"
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
