"""Which format a dataset is in: the one that was named, or the one that its folder looks like."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import plx_train.data.formats
from plx_train.config.values import refuse
from plx_train.data.formats.dataset_format import DataFolder, DatasetFormat
from plx_train.ground.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plx_train.contract.truth import Truth

AUTO = "auto"
OWN = "paddlex"
"""The format that rooms read, and that others are turned into."""


@cache
def dataset_formats() -> Mapping[str, DatasetFormat]:
    """Every format by name: each is a class in a file beside this one."""
    package = plx_train.data.formats
    modules = [
        importlib.import_module(f"{package.__name__}.{one.name}") for one in pkgutil.iter_modules(package.__path__)
    ]
    kinds = [kind for module in modules for kind in vars(module).values() if _is_format(kind)]
    return MappingProxyType({kind.name: kind() for kind in kinds})


def _is_format(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, DatasetFormat) and not inspect.isabstract(kind)


def choose_format(given: str, folder: DataFolder, room: str) -> tuple[DatasetFormat, str] | None:
    """The format of a folder, and what shows it; None where it looks like none.

    Args:
        given: a format's name, or auto.
        room: what is to be trained, for messages.

    Raises:
        ConfigError: there is no such format, it does not give what the room reads, or two look alike.
    """
    formats = dataset_formats()
    if given != AUTO:
        return named_format(given, folder.truth, room), f"dataset.format={given}"
    own = formats[OWN].sign(folder)
    if own:
        return formats[OWN], own
    signs = {name: one.sign(folder) for name, one in formats.items() if name != OWN and one.gives(folder.truth)}
    fitting = {name: sign for name, sign in signs.items() if sign}
    if len(fitting) > 1:
        words = " and ".join(f"{formats[name].title} ({sign})" for name, sign in fitting.items())
        names = " or ".join(f"dataset.format={name}" for name in fitting)
        raise ConfigError(f"{folder.root} looks like {words}: say which by {names}")
    return next(((formats[name], sign) for name, sign in fitting.items()), None)


def looks_like_none(truth: Truth) -> str:
    """Says of a folder in which formats that give `truth` it is not."""
    titles = ", ".join(
        f"{one.title} ({one.name})" for one in dataset_formats().values() if one.is_seen and one.gives(truth)
    )
    return f"looks like none of {titles}"


def named_format(given: str, truth: Truth, room: str) -> DatasetFormat:
    """
    Raises:
        ConfigError: there is no format of that name, or it does not give what the room reads.
    """
    formats = dataset_formats()
    fitting = [AUTO, *(name for name, one in formats.items() if one.gives(truth))]
    if given not in formats:
        refuse(f"dataset.format={given} does not exist", given, fitting)
    if given not in fitting:
        raise ConfigError(
            f"dataset.format={given} ({formats[given].title}) does not hold what module={room} reads, "
            f"{truth.value}: there is {', '.join(fitting)}"
        )
    return formats[given]
