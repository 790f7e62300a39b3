"""Finds rooms: the folder name is the registry, entry points add third parties'."""

from __future__ import annotations

import importlib
import pkgutil
from importlib import metadata
from types import ModuleType

ENTRY_POINT_GROUP = "plx_train.modules"


def room_names() -> list[str]:
    """Names of all rooms: folders of `plx_train.modules` and entry points of installed packages."""
    import plx_train.modules

    own = [found.name for found in pkgutil.iter_modules(plx_train.modules.__path__) if found.ispkg]
    return sorted({*own, *(point.name for point in metadata.entry_points(group=ENTRY_POINT_GROUP))})


def room_file(room: str, file: str) -> ModuleType:
    """A file of the room, by its name without ``.py``: ``config``, for example."""
    for point in metadata.entry_points(group=ENTRY_POINT_GROUP):
        if point.name == room:
            return importlib.import_module(f"{point.value}.{file}")
    return importlib.import_module(f"plx_train.modules.{room}.{file}")
