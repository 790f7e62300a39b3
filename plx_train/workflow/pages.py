"""Pipelines from the command line: ``pipeline=OCR models.TextDetection=models:/text_det@champion``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.config.texts import PARAMETER
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import resolve_path
from plx_train.ground.listing import files_in
from plx_train.ground.memory import give_back
from plx_train.machine.device import check_device, open_device
from plx_train.machine.environment import prepare_environment
from plx_train.pipelines.base import Pipeline
from plx_train.pipelines.load import check_typed_parameters, load_pipeline
from plx_train.pipelines.result import PipelineResult
from plx_train.registry.resolve import resolver
from plx_train.runs.folder import PREDICTIONS_FILE
from plx_train.runs.result import RunResult
from plx_train.tracking import resolve_uri
from plx_train.workflow.inputs import must_exist, tell_others, teller
from plx_train.workflow.session import Session, open_session

SECONDS_TO_KEEP = 1.0
"""How long memory that was freed is kept for what comes next: giving it back takes milliseconds."""


def open_pipeline(options: RunOptions) -> Pipeline:
    """The pipeline that the options name, loaded on their device.

    Raises:
        UserError: there is none, or a model of it can't be had.
    """
    if not options.pipeline:
        raise ConfigError(f"mode={options.mode} needs pipeline=<OCR, another name, or a .yaml>")
    given = resolve_path(options.pipeline)
    source = str(given) if given.exists() else options.pipeline
    check_typed_parameters(source, options.pipeline_parameters, PARAMETER)
    check_device(options.device)
    prepare_environment(options.device)
    uri = resolve_uri(options.tracking.uri)
    device = open_device(options.device).name
    return load_pipeline(source, device, options.models, resolver(uri), options.pipeline_parameters)


def predict(composed: Composed) -> RunResult:
    """Writes what a pipeline finds in each page or series of ``input``; the exit code is 1 if one can't be read."""
    options = composed.options
    assert options.input is not None
    path = resolve_path(options.input)
    must_exist(path)
    pipeline = open_pipeline(options)
    with open_session(composed, pipeline.name) as session:
        return _predict(pipeline, path, session)


def _predict(pipeline: Pipeline, path: Path, session: Session) -> RunResult:
    faults, tell = teller(session.console)
    if path.is_dir():
        tell_others(files_in(path, pipeline.suffixes), session.console)
    count, given_back = 0, time.monotonic()
    with _all_in_one(session.output / PREDICTIONS_FILE, path) as note:
        for result in pipeline.predict(path, on_error=tell):
            result.save_all(session.output)
            note(result)
            count += 1
            if time.monotonic() - given_back > SECONDS_TO_KEEP:
                give_back()
                given_back = time.monotonic()
    rows = [(key, f"{model.name} ({model.reference})") for key, model in pipeline.models.items()]
    rows += [("not readable", str(len(faults)))] if faults else []
    session.console.summary(f"{pipeline.name} on {count} {pipeline.ITEMS}", [*rows, ("results", str(session.output))])
    return RunResult("predict", session.output, {pipeline.ITEMS: float(count)}, exit_code=1 if faults else 0)


@contextmanager
def _all_in_one(target: Path, given: Path) -> Iterator[Callable[[PipelineResult], None]]:
    """Writes results into one file by the paths of their inputs; it gets its name once all are in it.

    Args:
        given: what was asked about; paths in a folder are relative to it.
    """
    scratch = target.with_name(f".{target.name}.part")
    base = given if given.is_dir() else given.parent
    with scratch.open("w", encoding="utf-8") as file:

        def note(result: PipelineResult) -> None:
            path = Path(str(result.get("input_path") or ""))
            name = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
            index = result.get("page_index")
            key = name if index is None else f"{name}_{index}"
            file.write(f"{',' if file.tell() > 1 else ''}\n{json.dumps(key)}: {json.dumps(result.json['res'])}")

        file.write("{")
        yield note
        file.write("\n}\n")
    scratch.replace(target)
