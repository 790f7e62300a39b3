"""A pipeline's configuration, in PaddleX's own YAML schema."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from plx_train.ground.errors import ConfigError, UserError

OWN_SECTION = "plx_train"
"""Settings that PaddleX doesn't know, and passes over."""
SWITCHES = {
    "TextLineOrientation": "use_textline_orientation",
    "DocOrientationClassify": "use_doc_orientation_classify",
    "DocPreprocessor": "use_doc_preprocessor",
}
"""The key that switches a part on, which is done when a model is named for it."""


def pipeline_names() -> list[str]:
    """Names of the pipelines that come with the package."""
    return sorted(path.name.removesuffix(".yaml") for path in _folder().iterdir() if path.name.endswith(".yaml"))


def _folder() -> Any:
    return resources.files("plx_train.pipelines").joinpath("configs")


def read_config(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that a name, a YAML file or a mapping stands for; relative model folders are made absolute.

    Raises:
        UserError: there is none, or it is no pipeline's.
    """
    if isinstance(source, Mapping):
        return _checked(copy.deepcopy(dict(source)), "the given configuration")
    path = Path(source)
    if path.suffix in (".yaml", ".yml") or path.is_dir():
        path = path / "pipeline.yaml" if path.is_dir() else path
        return _with_folders(_checked(_parse(path), str(path)), path.parent)
    name = {known.lower(): known for known in pipeline_names()}.get(str(source).lower())
    if name is None:
        near = difflib.get_close_matches(str(source), pipeline_names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(pipeline_names())}, or give a .yaml"
        raise ConfigError(f"pipeline={source} does not exist; {hint}")
    return _checked(yaml.safe_load(_folder().joinpath(f"{name}.yaml").read_text("utf-8")), name)


def _parse(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"pipeline {path} can't be read ({error.strerror or error})") from None
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"pipeline {path} is no YAML: {str(error).splitlines()[0]}") from None


def _checked(config: Any, where: str) -> dict[str, Any]:
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


def _with_folders(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    for part in config["SubModules"].values():
        given = part.get("model_dir")
        if given and ":/" not in given and not Path(given).is_absolute() and (folder / given).is_dir():
            part["model_dir"] = str((folder / given).absolute())
    for part in config["SubPipelines"].values():
        _with_folders(_checked(part, "a SubPipeline"), folder)
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
        if key in SWITCHES:
            section[SWITCHES[key]] = True
        if section is not config:
            config[SWITCHES["DocPreprocessor"]] = True
    return config


def _section_of(config: dict[str, Any], key: str) -> dict[str, Any]:
    name = config["pipeline_name"]
    optional = {"OCR": ("TextLineOrientation",), "doc_preprocessor": ("DocOrientationClassify",)}.get(name, ())
    if key in config["SubModules"] or key in optional:
        return config
    if name == "OCR" and key == "DocOrientationClassify":
        part = {"pipeline_name": "doc_preprocessor", "use_doc_unwarping": False, "SubModules": {}, "SubPipelines": {}}
        return config["SubPipelines"].setdefault("DocPreprocessor", part)
    known = sorted({*config["SubModules"], *optional})
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
    raise ConfigError(f"the pipeline {name} has no part {key}; {hint}")
