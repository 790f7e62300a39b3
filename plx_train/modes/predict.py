"""mode=predict: predictions as JSON and overlays for a file or a folder."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.export.static_model import processor_of, room_of
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.machine.device import check_device
from plx_train.machine.environment import prepare_environment
from plx_train.runs.exported import is_onnx_only, read_inference
from plx_train.runs.folder import EXPORT, INFERENCE_FILE, OVERLAYS, PREDICTIONS_FILE
from plx_train.runs.result import RunResult
from plx_train.vision.image import write_image
from plx_train.workflow.as_they_are import exported_for_now, processor_of_weights
from plx_train.workflow.inputs import find_files
from plx_train.workflow.pages import predict as predict_pages
from plx_train.workflow.session import Session, open_session
from plx_train.workflow.source import Source, find_source, names_weights

if TYPE_CHECKING:
    from plx_train.export.predictor import Predictor


def run(composed: Composed) -> RunResult:
    """Writes ``<output>/predictions.json`` and ``<output>/overlays/``; the exit code is 1 if a file can't be read."""
    options = composed.options
    if not options.input:
        raise ConfigError("mode=predict needs input=<file or folder>")
    if options.pipeline:
        return predict_pages(composed)
    check_device(options.device)
    with ExitStack() as kept:
        return _write(composed, *_opened(composed, kept))


def _write(composed: Composed, session: Session, files: dict[str, Path], predictor: Predictor) -> RunResult:
    overlays = session.output / OVERLAYS
    overlays.mkdir(exist_ok=True)
    predictions, failed = {}, 0
    for name, path in files.items():
        try:
            original = predictor.processor.as_input(path)
            prediction = predictor.predict(original)
        except UserError as error:
            session.console.error(str(error))
            failed += 1
            continue
        predictions[name] = prediction.to_json()
        write_image((overlays / name).with_suffix(".jpg"), predictor.overlay(original, prediction))
    (session.output / PREDICTIONS_FILE).write_text(json.dumps(predictions, indent=1, ensure_ascii=False), "utf-8")
    rows = [("files", str(len(predictions))), ("not readable", str(failed)),
            ("predictions", str(session.output / PREDICTIONS_FILE)), ("overlays", str(overlays))]  # fmt: skip
    session.console.summary("predict", [*_told_weights(composed), *rows])
    return RunResult("predict", session.output, {"files": float(len(predictions))}, exit_code=1 if failed else 0)


def _opened(composed: Composed, kept: ExitStack) -> tuple[Session, dict[str, Path], Predictor]:
    """The run's folder, the files to read, and the model on the open device, which works while `kept` is open."""
    options = composed.options
    assert options.input is not None
    source = find_source(composed)
    if source.weights is None:
        folder = exported_folder(source)
        inference = read_inference(folder)
        files = find_files(resolve_path(options.input), processor_of(inference).suffixes)
        session = open_session(composed, room_of(inference))
        engine = "auto" if is_onnx_only(folder) else "paddle"
        prepare_environment(options.device)
        return session, files, _predictor(options, folder, engine)
    processor = processor_of_weights(options, source.weights)
    files = find_files(resolve_path(options.input), processor.suffixes)
    session = open_session(composed)
    prepare_environment(options.device)
    folder = kept.enter_context(exported_for_now(options, source.weights, processor, session.output))
    return session, files, _predictor(options, folder, "paddle")


def _predictor(options: RunOptions, folder: Path, engine: str) -> Predictor:
    from plx_train.export.predictor import Predictor
    from plx_train.machine.device import open_device

    return Predictor(folder, open_device(options.device).name, engine=engine)


def _told_weights(composed: Composed) -> list[tuple[str, str]]:
    """A row of the summary that says which weights were used where no run was named."""
    weights = find_source(composed).weights
    if weights is None:
        return []
    why = "" if names_weights(composed) else ", the published ones: neither run= nor weights= was given"
    return [("weights", f"{weights}, as they are{why}")]


def exported_folder(source: Source) -> Path:
    """The exported folder of a run.

    Raises:
        UserError: it was not exported.
    """
    if source.export:
        return source.export
    folder = source.run / EXPORT if source.run else None
    if folder is None or not (folder / INFERENCE_FILE).is_file():
        raise UserError(f"{source.checkpoint} was not exported: run mode=export run={source.run or source.checkpoint}")
    return folder
