"""A pipeline's configuration, in PaddleX's own YAML schema."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plx_train.contract.pipeline import SECTION, SubPipeline
from plx_train.contract.pipelines import checked_config, declaration_of, part_of, pipeline_files, read_yaml
from plx_train.ground.confine import confined
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import is_folder
from plx_train.pipelines.origins import FOLDERS, NOTHING
from plx_train.runs.folder import MANIFEST


def read_config(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that a name, a YAML file or a mapping stands for; relative model folders are made absolute.

    Raises:
        UserError: there is none, or it is no pipeline's.
    """
    if isinstance(source, Mapping):
        return checked_config(copy.deepcopy(dict(source)), "the given configuration")
    path = Path(source)
    if path.suffix in (".yaml", ".yml") or path.is_dir():
        path = path / "pipeline.yaml" if path.is_dir() else path
        config = checked_config(read_yaml(path), str(path))
        if (path.parent / MANIFEST).is_file():
            _confine_models(config, path)
        return _with_folders(config, path.parent)
    files = pipeline_files()
    name = {known.lower(): known for known in files}.get(str(source).lower())
    if name is None:
        near = difflib.get_close_matches(str(source), files, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(files)}, or give a .yaml"
        raise ConfigError(f"pipeline={source} does not exist; {hint}")
    return _with_folders(checked_config(copy.deepcopy(dict(files[name].content)), name), files[name].path.parent)


def _confine_models(config: Mapping[str, Any], path: Path) -> None:
    """
    Raises:
        UserError: a frozen pipeline, which holds all its models, names one that lies outside of its folder.
    """
    for key in FOLDERS:
        if config.get(key) not in NOTHING:
            confined(path.parent, config[key], str(path))
    for section in (config, *config["SubPipelines"].values()):
        for part in (section.get("SubModules") or {}).values():
            if isinstance(part, Mapping) and part.get("model_dir"):
                confined(path.parent, part["model_dir"], str(path))


def _with_folders(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    named = [(config, key) for key in FOLDERS] + [(part, "model_dir") for part in config["SubModules"].values()]
    for section, key in named:
        given = section.get(key)
        if (
            isinstance(given, str)
            and given
            and ":/" not in given
            and not Path(given).is_absolute()
            and is_folder(folder / given)
        ):
            section[key] = str((folder / given).absolute())
    for part in config["SubPipelines"].values():
        _with_folders(checked_config(part, "a SubPipeline"), folder)
    return config


def engine_of(config: Mapping[str, Any]) -> str:
    """One of `export.runtimes.ENGINES`, as the configuration has it; PaddleX's names for these are understood."""
    given = str(config.get("engine") or "auto")
    return {"paddle_static": "paddle", "onnxruntime": "onnx"}.get(given, given)


def with_models(config: dict[str, Any], models: Mapping[str, str]) -> dict[str, Any]:
    """`config` with other models for some of its parts, which are switched on.

    Args:
        models: ``model_dir`` by the part's key, for example ``TextDetection``.

    Raises:
        ConfigError: the pipeline has no such part.
    """
    config = copy.deepcopy(config)
    for key, reference in models.items():
        section = _section_of(config, key)
        section["SubModules"].setdefault(key, {})["model_dir"] = str(reference)
        part = part_of(declaration_of(section), key)
        if part and part.switch:
            section[part.switch] = True
    return config


def _section_of(config: dict[str, Any], key: str) -> dict[str, Any]:
    """The configuration that has the part: `config`, or one of its SubPipelines, switched on and made where need be.

    Raises:
        ConfigError: none has it.
    """
    declared = declaration_of(config)
    if key in config["SubModules"] or key in declared.parts:
        return config
    files = pipeline_files()
    known = {*config["SubModules"], *declared.parts}
    for sub in declared.pipelines:
        if sub.pipeline not in files:
            names = ", ".join(files)
            raise ConfigError(f"{declared.where}: {SECTION}.pipelines.{sub.key} names {sub.pipeline}, none of {names}")
        parts = files[sub.pipeline].declaration.parts
        known |= set(parts)
        if key in parts:
            config[sub.switch] = True
            return config["SubPipelines"].setdefault(sub.key, _without_models(sub))
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(known))}"
    raise ConfigError(f"the pipeline {config['pipeline_name']} has no part {key}; {hint}")


def _without_models(sub: SubPipeline) -> dict[str, Any]:
    """The configuration of a pipeline with none of its optional parts."""
    file = pipeline_files()[sub.pipeline]
    switches = {part.switch for part in file.declaration.parts.values()}
    left_out = {SECTION, "SubModules", "SubPipelines", *switches}
    kept = {name: copy.deepcopy(value) for name, value in file.content.items() if name not in left_out}
    return {**kept, "SubModules": {}, "SubPipelines": {}}
