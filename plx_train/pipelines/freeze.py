"""A pipeline in one folder: its models, its YAML and a manifest; it runs here and in PaddleX, without a registry."""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from plx_train.contract.pipeline import SECTION
from plx_train.contract.pipelines import pipeline_files
from plx_train.ground.confine import confined
from plx_train.ground.errors import UserError
from plx_train.ground.files import sha256
from plx_train.ground.parsed import parse_json
from plx_train.pipelines.base import LoadedModel, Pipeline
from plx_train.pipelines.load import load_pipeline
from plx_train.runs.exported import files_named, is_onnx_only
from plx_train.runs.folder import CHOICE_FILE, MANIFEST

CONFIG_FILE = "pipeline.yaml"
MODEL_SUFFIXES = (".json", ".pdmodel", ".pdiparams", ".yml", ".onnx")
FOR_PADDLEX = ("scaler.pkl",)
"""Files that PaddleX reads and nothing here does."""


def freeze(pipeline: Pipeline, folder: Path) -> Path:
    """Writes `pipeline` into a new folder, in one piece, and loads it from there once.

    Raises:
        UserError: the folder is there already or can't be written, or what was written can't be loaded.
    """
    if folder.exists():
        raise UserError(f"output={folder} is there already: give a folder that is not")
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        for key, model in pipeline.models.items():
            _copy_model(model.folder, temporary / "models" / key)
        config = _portable(pipeline)
        for key, data in pipeline.data.items():
            _copy_data(data.folder, temporary / key)
            config[key] = key
        (temporary / CONFIG_FILE).write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), "utf-8")
        digests = {path: sha256(temporary / path) for path in _files(temporary)}
        origins = {key: _origin(model) for key, model in pipeline.models.items()}
        named = {key: {"reference": data.reference, "version": data.version} for key, data in pipeline.data.items()}
        content = {"pipeline": pipeline.name, "models": origins, "data": named, "sha256": digests}
        (temporary / MANIFEST).write_text(json.dumps(content, indent=1), "utf-8")
        verify(temporary)
        load_pipeline(temporary)
        temporary.chmod(0o755)
        temporary.rename(folder)
    except OSError as error:
        raise UserError(f"output={folder} can't be written ({error.strerror or error})") from None
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def verify(folder: Path) -> None:
    """
    Raises:
        UserError: a file of a frozen pipeline is missing or differs from its manifest.
    """
    try:
        digests = dict(parse_json((folder / MANIFEST).read_text("utf-8"))["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / MANIFEST} can't be read ({error})") from None
    for name, digest in digests.items():
        path = confined(folder, name, str(folder / MANIFEST))
        if not path.is_file() or sha256(path) != digest:
            raise UserError(f"{folder / name} is missing, or not what was frozen: its sha256 differs from {MANIFEST}")


def _copy_model(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in files_named(source):
        # What was measured on this machine stays on it.
        if path.name != CHOICE_FILE and (path.suffix in MODEL_SUFFIXES or path.name in FOR_PADDLEX):
            shutil.copyfile(path, target / path.name)


def _copy_data(source: Path, target: Path) -> None:
    target.mkdir()
    for path in files_named(source):
        shutil.copyfile(path, target / path.name)


def _portable(pipeline: Pipeline) -> dict[str, Any]:
    """The configuration with all that PaddleX would take from its own defaults written out."""
    config: dict[str, Any] = copy.deepcopy(pipeline.config)
    for section in (config, *config["SubPipelines"].values()):
        for key, part in section["SubModules"].items():
            if key not in pipeline.parts:
                continue
            part |= {"model_dir": f"models/{key}", "model_name": pipeline.models[key].name}
            part |= pipeline.settings_of(key)
            if is_onnx_only(pipeline.models[key].folder):
                part["engine"] = "onnxruntime"  # which PaddleX has to be told
    section = _own_words(config)
    if section:
        config[SECTION] = section
    else:
        config.pop(SECTION, None)
    return {name: value for name, value in config.items() if value not in ({}, None)}


def _own_words(config: dict[str, Any]) -> dict[str, Any]:
    """What the section for us says beyond that of the pipeline known by the same name; the budget is this machine's."""
    known = pipeline_files().get(config["pipeline_name"])
    former = (known.content.get(SECTION) or {}) if known else {}
    said = {name: value for name, value in (config.get(SECTION) or {}).items() if former.get(name) != value}
    said.pop("latency_budget_ms", None)
    return said


def _origin(model: LoadedModel) -> dict[str, Any]:
    return {**model.to_json(), "module": model.module, "reference": model.reference}


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
