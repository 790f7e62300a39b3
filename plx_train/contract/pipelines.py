"""Finds what pipelines declare: the YAML files that come with the package, and those that rooms of others bring."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from plx_train.contract.pipeline import SECTION, Declaration, DeclaredPart, declare
from plx_train.contract.rooms import foreign_folders
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.foreign_yaml import parsed_yaml

OWN_FOLDER = Path(__file__).resolve().parent.parent / "pipelines" / "configs"
ROOM_FOLDER = "pipelines"
"""Folder of its pipelines' YAML files, in the package of a room of others."""


@dataclass(frozen=True)
class PipelineFile:
    """A pipeline's YAML file: its content, which is not for changing, and what that declares."""

    path: Path
    content: Mapping[str, Any]
    declaration: Declaration


def pipeline_files() -> Mapping[str, PipelineFile]:
    """The pipelines that are known by name, sorted; none of them is loaded.

    Raises:
        UserError: a file can't be read.
        ConfigError: one can't be understood, or two contradict each other.
    """
    return _pipeline_files(tuple(sys.path))


@cache
def _pipeline_files(installed: tuple[str, ...]) -> Mapping[str, PipelineFile]:
    """Read once for the packages that are `installed` in these folders."""
    found: dict[str, PipelineFile] = {}
    taken: dict[str, Path] = {}
    for path in _paths():
        file = _read(path)
        name = file.content["pipeline_name"]
        if name in found:
            raise ConfigError(f"{path} and {found[name].path} are both of the pipeline {name}: leave one of them out")
        found[name] = file
        for part in file.declaration.parts.values():
            for registered in part.registered:
                if registered in taken:
                    raise ConfigError(
                        f"{path} and {taken[registered]} both take the registered model {registered}: give the part "
                        f"{part.key} other names, as in registered: [{registered}_{part.key.lower()}]"
                    )
                taken[registered] = path
    return MappingProxyType(dict(sorted(found.items())))


def _paths() -> Iterator[Path]:
    for folder in (OWN_FOLDER, *(room / ROOM_FOLDER for room in foreign_folders())):
        yield from sorted(folder.glob("*.yaml"))


def _read(path: Path) -> PipelineFile:
    content = checked_config(read_yaml(path), str(path))
    declaration = declare(content.get(SECTION) or {}, str(path))
    for part in declaration.parts.values():
        if part.switch is None and part.key not in content["SubModules"]:
            raise ConfigError(
                f"{path}: {SECTION}.parts.{part.key} stands in no SubModules: add it there, or name the key that "
                "switches it on, as in switch: use_it"
            )
    return PipelineFile(path, content, declaration)


def checked_config(config: Any, where: str) -> dict[str, Any]:
    """`config`, whose sections of parts are there and mappings.

    Raises:
        UserError: it is no pipeline's.
    """
    if not isinstance(config, dict) or not isinstance(config.get("pipeline_name"), str):
        raise UserError(f"{where} names no pipeline: it needs pipeline_name and SubModules, as PaddleX's files have")
    for section in ("SubModules", "SubPipelines"):
        parts = config.setdefault(section, {}) or {}
        if not isinstance(parts, dict) or not all(isinstance(part, dict) for part in parts.values()):
            raise UserError(f"{where}: {section} must hold one section for each part")
        config[section] = parts
    for key, part in config["SubModules"].items():
        if not isinstance(part.get("model_dir"), str | None):
            raise UserError(f"{where}: model_dir of {key} must be a text or null, not {part['model_dir']!r}")
    return config


def read_yaml(path: Path) -> Any:
    """The content of a pipeline's file.

    Raises:
        UserError: it can't be read.
    """
    try:
        return parsed_yaml(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"pipeline {path} can't be read ({error.strerror or error})") from None
    except ValueError as error:
        raise UserError(f"pipeline {path} is no YAML: {error}") from None


def declaration_of(config: Mapping[str, Any]) -> Declaration:
    """What a pipeline's configuration declares: its own section, over that of the pipeline known by its name.

    Raises:
        ConfigError: it can't be understood.
    """
    name = str(config.get("pipeline_name"))
    known = pipeline_files().get(name)
    own = config.get(SECTION) or {}
    if known is None or not isinstance(own, Mapping):
        return declare(own, f"the configuration of {name}")
    former = known.content.get(SECTION) or {}
    return known.declaration if former == own else declare({**former, **own}, f"the configuration of {name}")


def part_of(declaration: Declaration, key: str) -> DeclaredPart | None:
    """What is declared of a part; of one that only other pipelines declare, what all of these say; None for nothing."""
    if key in declaration.parts:
        return declaration.parts[key]
    others = [file.declaration.parts[key] for file in pipeline_files().values() if key in file.declaration.parts]
    return others[0] if len({part.module for part in others}) == 1 else None


def place_of(registered: str) -> tuple[str, str] | None:
    """The pipeline, and the part of it, that a registered model of this name is for; None where nothing takes it."""
    for name, file in pipeline_files().items():
        for part in file.declaration.parts.values():
            if registered in part.registered:
                return name, part.key
    return None


def part_for(declaration: Declaration, registered: str, module: str) -> str | None:
    """The part that a registered model of this name and module type is for; None where that is not clear."""
    parts = declaration.parts.values()
    for name in (registered, module):
        found = [part.key for part in parts if name in part.registered]
        if found:
            return found[0]
    alike = [part.key for part in parts if part.module == module]
    return alike[0] if len(alike) == 1 else None
