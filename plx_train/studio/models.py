"""Finished models of a home: what runs exported, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from plx_train.config.groups import presets
from plx_train.config.texts import key_of
from plx_train.contract.pipelines import pipeline_files
from plx_train.export.quantize import QUANTIZED_FILE
from plx_train.export.static_model import room_of
from plx_train.ground.errors import UserError
from plx_train.runs.exported import model_name, read_inference
from plx_train.runs.folder import BENCHMARK_FILE, EXPORT, INFERENCE_FILE, INT8_EXPORT, METRICS_FILE, OUTPUTS, OVERLAYS
from plx_train.studio.home import Home, read_json
from plx_train.studio.jobs import DONE, StudioJob
from plx_train.studio.shelf import RunCard
from plx_train.studio.studio import Studio

MODEL = "model"
"""What a job is about that works on a model: the name of its run."""


def exports(studio: Studio) -> list[dict[str, Any]]:
    """The runs that have an export, newest first."""
    found = []
    rooms = {recipe: one.picks.get("schema", "") for recipe, one in presets("module").items()}
    for card in studio.shelf.cards():
        folder = studio.home.outputs / card.name
        if not card.is_sweep and (folder / EXPORT / INFERENCE_FILE).is_file():
            # By its recipe, which is quick, else by the export itself.
            room = rooms.get(card.module) or _described(folder / EXPORT, _stamp(folder))[0]
            found.append(_export(studio.home, card, folder, room))
    return found


def _stamp(folder: Path) -> float:
    return (folder / EXPORT / INFERENCE_FILE).stat().st_mtime


def _export(home: Home, card: RunCard, folder: Path, room: str) -> dict[str, Any]:
    return {
        "name": card.name,
        "folder": home.shown(folder),
        "room": room,
        "recipe": card.module,
        "dataset": card.dataset,
        "monitor": card.monitor,
        "value": card.value,
        "at": card.at,
        "isInt8": (folder / INT8_EXPORT).is_dir(),
    }


@lru_cache(maxsize=4096)
def _described(export: Path, _stamp: float) -> tuple[str, str]:
    """Module type and name of an exported model; empty where they can't be read."""
    try:
        inference = read_inference(export)
        return room_of(inference), model_name(inference)
    except UserError:
        return "", ""


def details(studio: Studio, name: str) -> dict[str, Any]:
    """All that is known of the model that a run exported.

    Raises:
        UserError: there is none.
    """
    home, folder = studio.home, studio.home.run(name)
    export = folder / EXPORT
    if not (export / INFERENCE_FILE).is_file():
        raise UserError(f"{name} has no export: it did not end well, or mode=export has to be run")
    room, called = _described(export, _stamp(folder))
    run = studio.shelf.details(name)
    jobs = [job for job in studio.board.all() if job.about.get(MODEL) == name]
    return {
        "run": run,
        "room": room,
        "recipe": run.get("module") or "",
        "modelName": called,
        "files": _files(export),
        "places": _places(room),
        "evaluations": [_evaluation(home, job) for job in _done(jobs, "evaluate")],
        "exports": [_exported(home, job) for job in _done(jobs, "export")],
        "engines": next(filter(None, (_engines(home, job) for job in _done(jobs, "benchmark"))), None),
        "int8": _int8(folder / INT8_EXPORT),
    }


def _places(room: str) -> list[dict[str, str]]:
    """The names under which a model of this type may be registered, and the pipeline that each is for."""
    return [
        {"registered": registered, "pipeline": name, "part": part.key}
        for name, file in pipeline_files().items()
        for part in file.declaration.parts.values()
        if part.module == room
        for registered in part.registered
    ]


def _done(jobs: Iterable[StudioJob], mode: str) -> list[StudioJob]:
    return [job for job in jobs if job.state == DONE and f"mode={mode}" in job.overrides]


def _files(folder: Path) -> list[dict[str, Any]]:
    return [{"name": path.name, "bytes": path.stat().st_size} for path in sorted(folder.iterdir()) if path.is_file()]


def _evaluation(home: Home, job: StudioJob) -> dict[str, Any]:
    """What a model reached on other data."""
    given = {key_of(text): text.partition("=")[2] for text in job.overrides}
    folder = home.root / str(job.output)
    pictures = sorted(path.name for path in (folder / OVERLAYS).glob("*") if path.suffix in (".jpg", ".png"))
    return {
        "job": job.id,
        "at": job.ended,
        "data": given.get("dataset.root", "").strip("'\""),
        "metrics": read_json(folder / METRICS_FILE, {}),
        "run": str(job.output).removeprefix(f"{OUTPUTS}/"),
        "overlays": pictures,
    }


def _exported(home: Home, job: StudioJob) -> dict[str, Any]:
    """A folder that a model was exported to once more."""
    folder = home.root / str(job.output) / EXPORT
    files = _files(folder) if folder.is_dir() else []
    return {"job": job.id, "at": job.ended, "folder": home.shown(folder), "files": files}


def _engines(home: Home, job: StudioJob) -> dict[str, Any] | None:
    """How quick each engine was here."""
    figures = read_json(home.root / str(job.output) / BENCHMARK_FILE, None)
    return {"at": job.ended, "figures": figures} if isinstance(figures, list) else None


def _int8(folder: Path) -> dict[str, Any] | None:
    """What the quantised model loses."""
    told = read_json(folder / QUANTIZED_FILE, None)
    return {**told, "files": _files(folder)} if isinstance(told, dict) else None
