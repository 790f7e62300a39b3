"""Makes pipelines: configuration, models found and loaded, their origin noted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from plx_train.export.predictor import Predictor
from plx_train.export.static_model import parameters_file
from plx_train.ground.errors import UserError
from plx_train.pipelines.base import LoadedModel, Part, Pipeline
from plx_train.pipelines.config import engine_of, read_config, with_models
from plx_train.pipelines.known import kind_of
from plx_train.pipelines.published import published_folder

REGISTRY_PREFIXES = ("models:/", "runs:/")


def pipeline(config: str | Path | Mapping[str, Any] = "OCR", device: str = "cpu", **models: str) -> Pipeline:
    """A pipeline by its name, its YAML file or folder, or its configuration.

    Args:
        config: ``OCR``, ``image_classification`` or another name, a YAML in PaddleX's schema, a frozen folder, or a
            mapping.
        device: ``cpu``, ``gpu``, ``gpu:1``, or another type that Paddle knows.
        models: models by part, for example ``TextDetection="models:/text_det@champion"``: an exported folder of ours
            or of PaddleX, a version or alias in the registry, or ``runs:/<id>``.

    Raises:
        UserError: something is missing or can't be loaded.

    Example:
        >>> ocr = pipeline("OCR", TextRecognition="outputs/my-run/export")
        >>> for result in ocr.predict("page.jpg"):
        ...     print(result.text)
    """
    return load_pipeline(config, device, models)


def load_pipeline(
    config: str | Path | Mapping[str, Any],
    device: str = "cpu",
    models: Mapping[str, str] | None = None,
    tracking_uri: str | None = None,
) -> Pipeline:
    """`pipeline`, with the store in which references to the registry are looked up."""
    resolved = with_models(read_config(config), models or {})
    load = partial(_load_part, device=device, engine=engine_of(resolved), tracking_uri=tracking_uri)
    return kind_of(resolved)(resolved, load)


def _load_part(
    section: Mapping[str, Any], key: str, threads: int, *, device: str, engine: str, tracking_uri: str | None
) -> Part:
    given, model_name = section.get("model_dir"), section.get("model_name")
    version = run_id = None
    if given is None:
        folder, reference = published_folder(key, model_name), str(model_name)
    elif str(given).startswith(REGISTRY_PREFIXES):
        from plx_train.registry.resolve import resolve

        found = resolve(str(given), tracking_uri)
        folder, reference, version, run_id = found.folder, str(given), found.version, found.run_id
    else:
        folder, reference = _folder(Path(str(given)), key), str(given)
    predictor = Predictor(folder, device, threads, engine=engine)
    run_id = run_id or predictor.lineage.get("run_id")
    digest = hashlib.sha256(parameters_file(folder).read_bytes()).hexdigest()
    model = LoadedModel(predictor.model_name, predictor.module, folder, reference, version, run_id, digest)
    # The section says what was loaded, as PaddleX wants to read it.
    if isinstance(section, dict):
        section |= {"model_name": predictor.model_name, "model_dir": str(folder)}
    return Part(model, predictor)


def _folder(path: Path, key: str) -> Path:
    for folder in (path, path / "export"):
        if (folder / "inference.yml").is_file():
            return folder
    raise UserError(
        f"{key}: {path} is no exported folder: give one, a run's folder, models:/<name>@<alias> or runs:/<run id>"
    )
