"""Makes pipelines: configuration, models found and loaded, their origin noted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from plx_train.export.predictor import Predictor
from plx_train.ground.errors import UserError
from plx_train.ground.files import sha256, user_path
from plx_train.pipelines.base import LoadedModel, Part, Pipeline, check_parameters
from plx_train.pipelines.config import engine_of, read_config, with_models
from plx_train.pipelines.known import kind_of
from plx_train.pipelines.origins import FOLDERS, Resolve, data_of
from plx_train.pipelines.published import published_folder
from plx_train.runs.exported import parameters_file
from plx_train.runs.folder import EXPORT, INFERENCE_FILE


def load_pipeline(
    config: str | Path | Mapping[str, Any],
    device: str = "cpu",
    models: Mapping[str, str] | None = None,
    resolve: Resolve | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Pipeline:
    """`plx_train.pipeline`, with what looks references to a registry up; without it there are folders alone.

    Args:
        parameters: hold where a call gives none.

    Raises:
        UserError: something is missing or can't be loaded, or a parameter is not possible.
    """
    resolved, given = with_models(read_config(config), models or {}), dict(parameters or {})
    kind = kind_of(resolved)
    # A folder that holds for all calls is read, and looked up, once.
    resolved |= {key: given.pop(key) for key in FOLDERS if key in given and key in kind.parameter_types(resolved)}
    load = partial(_load_part, device=device, engine=engine_of(resolved), resolve=resolve)
    data = data_of(resolved, resolve)
    pipeline = kind(resolved, load)
    pipeline.resolve = resolve
    pipeline.take_data(data)
    pipeline.defaults = pipeline.checked(given)
    pipeline.check_settings(pipeline.defaults)
    return pipeline


def check_typed_parameters(config: str | Path, parameters: Mapping[str, Any], prefix: str) -> None:
    """
    Args:
        prefix: what users type before a parameter's name.

    Raises:
        ConfigError: the pipeline has no such parameter, or one of another type; nothing is loaded for that.
    """
    if parameters:
        resolved = read_config(config)
        known = kind_of(resolved).parameter_types(resolved)
        check_parameters(resolved["pipeline_name"], known, parameters, prefix)


def _load_part(
    section: Mapping[str, Any], key: str, threads: int, *, device: str, engine: str, resolve: Resolve | None = None
) -> Part:
    given, model_name = section.get("model_dir"), section.get("model_name")
    version = run_id = None
    if given is None:
        folder, reference = published_folder(key, model_name), str(model_name)
    elif resolve and (found := resolve(str(given))):
        folder, reference, version, run_id = found.folder, str(given), found.version, found.run_id
    else:
        folder, reference = _folder(user_path(str(given)), key), str(given)
    predictor = Predictor(folder, device, threads, engine=engine)
    run_id = run_id or predictor.lineage.get("run_id")
    digest = sha256(parameters_file(folder))
    model = LoadedModel(predictor.model_name, predictor.module, folder, reference, version, run_id, digest)
    # The section says what was loaded, as PaddleX wants to read it.
    if isinstance(section, dict):
        section |= {"model_name": predictor.model_name, "model_dir": str(folder)}
    return Part(model, predictor)


def _folder(path: Path, key: str) -> Path:
    for folder in (path, path / EXPORT):
        if (folder / INFERENCE_FILE).is_file():
            return folder
    raise UserError(
        f"{key}: {path} is no exported folder: give one, a run's folder, models:/<name>@<alias> or runs:/<run id>"
    )
