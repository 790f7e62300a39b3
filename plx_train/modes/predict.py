"""mode=predict: predictions as JSON and overlays for a file or a folder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.export.static_model import processor_of, room_of
from plx_train.ground.characters import json_text
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.ground.listing import Listing
from plx_train.machine.device import check_device
from plx_train.machine.environment import prepare_environment
from plx_train.pipelines.drawing import within_jpeg
from plx_train.pipelines.naming import Origin, claim, note_written, plain_names
from plx_train.runs.exported import is_onnx_only, read_inference
from plx_train.runs.folder import CONFIG_FILE, EXPORT, INFERENCE_FILE, OVERLAYS, PREDICTIONS_FILE
from plx_train.runs.result import RunResult
from plx_train.vision.image import write_image
from plx_train.workflow.as_they_are import exported_for_now, processor_of_weights
from plx_train.workflow.inputs import find_files, tell_others, teller
from plx_train.workflow.pages import predict as predict_pages
from plx_train.workflow.session import Session, open_session
from plx_train.workflow.source import Source, find_source, load_config, names_weights
from plx_train.workflow.trust import tell_whose

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
        source = find_source(composed)
        return _write(_told_weights(composed, source), *_opened(composed, source, kept))


def _write(told: list[tuple[str, str]], session: Session, listing: Listing, predictor: Predictor) -> RunResult:
    tell_others(listing, session.console)
    predictions, failed = _predict_all(listing, predictor, session)
    text = json_text(predictions, indent=1)
    (session.output / PREDICTIONS_FILE).write_text(text, "utf-8", "backslashreplace")
    rows = [("files", str(len(predictions))), ("not readable", str(failed)),
            ("predictions", str(session.output / PREDICTIONS_FILE)),
            ("overlays", str(session.output / OVERLAYS))]  # fmt: skip
    session.console.summary("predict", [*told, *rows])
    return RunResult("predict", session.output, {"files": float(len(predictions))}, exit_code=1 if failed else 0)


def _predict_all(listing: Listing, predictor: Predictor, session: Session) -> tuple[dict[str, Any], int]:
    """The predictions by file, those of pages with the page's number, and how much can't be read; draws overlays."""
    faults, tell = teller(session.console)
    for fault in listing.faults:
        tell(fault)
    predictions: dict[str, Any] = {}
    names = plain_names(listing.files)
    folder = session.output / OVERLAYS
    for name, file in listing.files.items():
        for page, prediction in predictor.predict_pages(file, tell):
            predictions[page.named(name)] = prediction.to_json()
            own = claim(folder, page.named(names[name]), Origin(str(file), str(page.index), ()), page.index)
            write_image(folder / f"{own}.jpg", within_jpeg(predictor.overlay(page.content, prediction)))
            note_written(folder, own, folder / f"{own}.jpg")
    return predictions, len(faults)


def _opened(composed: Composed, source: Source, kept: ExitStack) -> tuple[Session, Listing, Predictor]:
    """The run's folder, the files to read, and the model on the open device, which works while `kept` is open."""
    options = composed.options
    assert options.input is not None
    path = resolve_path(options.input)
    if options.output:
        refuse_other_predictions(options)
    if source.weights is None:
        folder = exported_folder(source)
        inference = read_inference(folder)
        listing = find_files(path, processor_of(inference).suffixes)
        session = kept.enter_context(open_session(composed, room_of(inference)))
        tell_whose(session.console, source.run)
        engine = "auto" if is_onnx_only(folder) else "paddle"
        prepare_environment(options.device)
        return session, listing, _predictor(options, folder, engine)
    processor = processor_of_weights(options, source.weights)
    listing = find_files(path, processor.suffixes)
    session = kept.enter_context(open_session(composed))
    prepare_environment(options.device)
    folder = kept.enter_context(exported_for_now(options, source.weights, processor, session.output))
    return session, listing, _predictor(options, folder, "paddle")


def _predictor(options: RunOptions, folder: Path, engine: str) -> Predictor:
    from plx_train.export.predictor import Predictor
    from plx_train.machine.device import open_device

    return Predictor(folder, open_device(options.device).name, engine=engine)


def _told_weights(composed: Composed, source: Source) -> list[tuple[str, str]]:
    """A row of the summary that says which weights were used where no run was named."""
    if source.weights is None:
        return []
    why = "" if names_weights(composed) else ", the published ones: neither run= nor weights= was given"
    return [("weights", f"{source.weights}, as they are{why}")]


def refuse_other_predictions(options: RunOptions) -> None:
    """
    Raises:
        UserError: the folder `output` holds predictions of another input or model, which would be lost.
    """
    folder = resolve_path(str(options.output))
    if not (folder / PREDICTIONS_FILE).is_file() or not (folder / CONFIG_FILE).is_file():
        return
    recorded = load_config(folder)
    for key in ("input", "run"):
        former, current = recorded.get(key), getattr(options, key)
        if former and former != current and resolve_path(former) != resolve_path(current):
            raise UserError(
                f"output={folder} holds the predictions of {key}={former}, which would be lost: give another"
            )


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
