"""mode=predict: predictions as JSON and overlays for a file or a folder."""

from __future__ import annotations

import json
from pathlib import Path

from plx_train.config.compose import Composed
from plx_train.export.static_model import processor_of, room_of
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.machine.device import check_device
from plx_train.machine.environment import prepare_environment
from plx_train.runs.exported import is_onnx_only, read_inference
from plx_train.runs.folder import EXPORT, INFERENCE_FILE, OVERLAYS, PREDICTIONS_FILE
from plx_train.runs.result import RunResult
from plx_train.vision.image import write_image
from plx_train.workflow.inputs import find_files
from plx_train.workflow.pages import predict as predict_pages
from plx_train.workflow.session import open_session
from plx_train.workflow.source import Source, find_source


def run(composed: Composed) -> RunResult:
    """Writes ``<output>/predictions.json`` and ``<output>/overlays/``; the exit code is 1 if a file can't be read."""
    options = composed.options
    if not options.input:
        raise ConfigError("mode=predict needs input=<file or folder>")
    if options.pipeline:
        return predict_pages(composed)
    check_device(options.device)
    source = find_source(options)
    folder = exported_folder(source)
    inference = read_inference(folder)
    files = find_files(resolve_path(options.input), processor_of(inference).suffixes)
    session = open_session(composed, room_of(inference))
    prepare_environment(options.device)
    from plx_train.export.predictor import Predictor
    from plx_train.machine.device import open_device

    engine = "auto" if is_onnx_only(folder) else "paddle"
    predictor = Predictor(folder, open_device(options.device).name, engine=engine)
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
    session.console.summary("predict", rows)
    return RunResult("predict", session.output, {"files": float(len(predictions))}, exit_code=1 if failed else 0)


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
