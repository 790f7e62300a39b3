"""Pipelines that can be put together here: those that are known by name, and those that were saved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from plx_train.contract.pipeline import SECTION, Declaration, DeclaredParameter, DeclaredPart
from plx_train.contract.pipelines import declaration_of, pipeline_files
from plx_train.ground.confine import confined
from plx_train.ground.errors import UserError
from plx_train.ground.files import replace_file
from plx_train.pipelines.config import read_config, with_models
from plx_train.pipelines.freeze import CONFIG_FILE
from plx_train.pipelines.settings import kept_parameters, with_parameters
from plx_train.runs.exported import exported_in, model_name, read_inference
from plx_train.serving.kinds import answer_kind
from plx_train.studio.home import Home
from plx_train.weights.catalogue import CatalogueEntry, entries

NAME = re.compile(r"[\w][\w .-]{0,80}")
SUFFIX = ".yaml"
FROZEN = "frozen"
"""Folder below the studio's root that frozen pipelines are put into."""


def cards(home: Home) -> list[dict[str, Any]]:
    """All pipelines, those that were saved or frozen first; one that can't be read has its fault instead."""
    saved = [home.shown(path) for path in sorted(home.pipelines.glob(f"*{SUFFIX}"))]
    frozen = [home.shown(path.parent) for path in sorted((home.root / FROZEN).glob(f"*/{CONFIG_FILE}"))]
    return [_card_or_fault(home, source) for source in [*saved, *frozen, *pipeline_files()]]


def _card_or_fault(home: Home, source: str) -> dict[str, Any]:
    try:
        return card(home, source)
    except UserError as error:
        kind = {"isSaved": is_saved(source), "isFrozen": is_frozen(source)}
        return {"source": source, **kind, "fault": str(error), "parts": []}


def card(home: Home, source: str) -> dict[str, Any]:
    """What a pipeline consists of, takes and gives.

    Raises:
        UserError: there is none, or its file can't be understood.
    """
    config = config_of(home, source)
    declared = declaration_of(config)
    kept = kept_parameters(config)
    return {
        "source": source,
        "name": config["pipeline_name"],
        "isSaved": is_saved(source),
        "isFrozen": is_frozen(source),
        "sentence": _sentence(config["pipeline_name"]),
        "parts": [_part(config, part, is_optional) for part, is_optional in parts_of(declared)],
        "parameters": [_parameter(one, kept) for one in declared.parameters.values()],
        "endpoint": endpoint(declared),
    }


def is_saved(source: str) -> bool:
    """Whether it is a file of the studio's, not a name."""
    return source.endswith(SUFFIX)


def is_frozen(source: str) -> bool:
    """Whether it is a folder with a pipeline and all its models."""
    return source.startswith(f"{FROZEN}/")


def config_of(home: Home, source: str, models: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The configuration of a pipeline by name, or in a file below the studio's root, with other models.

    Raises:
        UserError: there is none.
    """
    known = {name.lower(): name for name in pipeline_files()}
    place = known.get(source.lower()) or confined(home.root, source, "a request")
    return with_models(read_config(place), models or {})


def parts_of(declared: Declaration) -> Iterator[tuple[DeclaredPart, bool]]:
    """The parts of a pipeline and of those in it, each with whether it can be left out."""
    for part in declared.parts.values():
        yield part, part.switch is not None
    for sub in declared.pipelines:
        for part in pipeline_files()[sub.pipeline].declaration.parts.values():
            yield part, True


def endpoint(declared: Declaration) -> dict[str, Any] | None:
    """How a pipeline is asked over HTTP; None where it is not."""
    one = declared.endpoint
    if one is None:
        return None
    field = answer_kind(declared, one).request.FILE_FIELD
    return {"path": one.path, "field": field, "answer": one.answer, "key": one.settings.get("key", "")}


def save(
    home: Home, name: str, source: str, models: Mapping[str, str], parameters: Mapping[str, Any], replaces: bool = False
) -> str:
    """Writes a pipeline as a file in PaddleX's schema, which ``pipeline=`` takes; gives its path.

    Raises:
        UserError: the name is taken or not possible, or a model or a parameter is not.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"a pipeline can't be called {name[:80]!r}: take letters, digits, spaces, ., - and _")
    path = home.pipelines / f"{name}{SUFFIX}"
    if path.exists() and not replaces:
        raise UserError(f"there is a pipeline {name} already: take another name, or replace it")
    config = with_parameters(config_of(home, source, {}), parameters)
    config = with_models(config, {part: _from_anywhere(home, model) for part, model in models.items()})
    known = pipeline_files().get(config["pipeline_name"])
    if known and known.content.get(SECTION) == config.get(SECTION):
        del config[SECTION]
    for section in (config, *config["SubPipelines"].values()):
        for part in (section.get("SubModules") or {}).values():
            _name_model(part)
    kept = {key: value for key, value in config.items() if value not in ({}, None)}
    replace_file(path, yaml.safe_dump(kept, allow_unicode=True, sort_keys=False))
    home.tell("pipeline", f"the pipeline {name} was saved")
    return home.shown(path)


def remove(home: Home, source: str) -> None:
    """Deletes the file of a pipeline that was saved.

    Raises:
        UserError: there is none.
    """
    path = confined(home.pipelines, Path(source).name, "a request")
    if home.shown(path) != source or not path.is_file():
        raise UserError(f"there is no saved pipeline {source}")
    path.unlink()
    home.tell("pipeline", f"the pipeline {path.stem} was deleted")


def _from_anywhere(home: Home, model: str) -> str:
    """A model as a file names it that lies elsewhere than commands are run."""
    return model if ":/" in model else str(home.root / model)


def _name_model(part: dict[str, Any]) -> None:
    """Has a part bear the name by which PaddleX knows its model."""
    folder = exported_in(Path(part["model_dir"])) if part.get("model_dir") and ":/" not in part["model_dir"] else None
    if folder:
        part["model_name"] = model_name(read_inference(folder)) or part.get("model_name")


def _sentence(name: str) -> str:
    """The first comment of the file of a pipeline that is known by name."""
    file = pipeline_files().get(name)
    first = file.path.read_text("utf-8").partition("\n")[0] if file else ""
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _part(config: Mapping[str, Any], part: DeclaredPart, is_optional: bool) -> dict[str, Any]:
    sections = (config["SubModules"], *(sub.get("SubModules") or {} for sub in config["SubPipelines"].values()))
    given: Mapping[str, Any] = next((section[part.key] for section in sections if part.key in section), {})
    entry = _catalogue().get(str(given.get("model_name")))
    is_published = entry is not None and entry.module == part.module
    return {
        "key": part.key,
        "module": part.module,
        "registered": list(part.registered),
        "isOptional": is_optional,
        "given": given.get("model_dir"),
        "published": {"name": entry.name, "megabytes": entry.size_mb, "licence": entry.licence}
        if entry and is_published
        else None,
    }


@cache
def _catalogue() -> dict[str, CatalogueEntry]:
    return entries()


def _parameter(one: DeclaredParameter, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": one.name,
        "request": one.request_name,
        "types": list(one.types),
        "limits": dict(one.limits),
        "choices": list(one.choices),
        "value": kept.get(one.name),
        "isKept": one.name in kept,
    }
