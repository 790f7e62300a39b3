"""mode=benchmark run=… or weights=…: which engine runs a model the quickest here, noted beside it for engine=auto."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.config.compose import Composed
from plx_train.contract.dataset import Dataset
from plx_train.contract.module import Module
from plx_train.export.choice import write_choice
from plx_train.export.predictor import stacked
from plx_train.export.quantize import engines_as_good
from plx_train.export.runtimes import Model
from plx_train.export.speed import (
    EngineSpeed,
    Inputs,
    Work,
    measure,
    opened_engines,
    quickest,
    ways_of,
)
from plx_train.export.static_model import processor_of
from plx_train.ground.confine import confined
from plx_train.ground.errors import UserError
from plx_train.ground.spread import spread
from plx_train.machine.device import check_device
from plx_train.machine.hardware import usable_cores
from plx_train.runs.exported import is_onnx_only, read_inference
from plx_train.runs.folder import BENCHMARK_FILE
from plx_train.runs.result import RunResult
from plx_train.workflow.dataset import Finished, RunData, open_data
from plx_train.workflow.device import start_device
from plx_train.workflow.exporting import export_source
from plx_train.workflow.session import Session, open_session
from plx_train.workflow.source import Source, find_export, with_recorded_options
from plx_train.workflow.trust import tell_whose
from plx_train.workflow.workbench import open_workbench

SAMPLES = 6
SHOWN = {"native": "Paddle", "paddle": "Paddle, oneDNN", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}


def run(composed: Composed) -> RunResult:
    """Measures on the run's own samples, tells it in a table and writes ``engine.json`` into the exported folder."""
    check_device(composed.options.device)
    source = find_export(composed)
    if source.export is None:
        with open_workbench(composed, source) as bench:
            return _measured(bench.session, source, export_source(bench, source).folder, bench.data)
    with open_session(with_recorded_options(composed, source)) as session:
        tell_whose(session.console, source.run)
        start_device(session.options)
        return _measured(session, source, source.export, None)


def _measured(session: Session, source: Source, folder: Path, data: RunData | None) -> RunResult:
    if source.run and source.export:
        confined(source.run, source.export.name, str(source.run))  # where its engine.json is written
    processor = processor_of(read_inference(folder))
    inputs = samples_of(session, Finished(folder, run=source.run), processor, data)
    speeds = compare(folder, processor, inputs)
    best = quickest(speeds)
    figures = [_figures(speed) for speed in speeds]
    path = write_choice(folder, best, figures)
    (session.output / BENCHMARK_FILE).write_text(json.dumps(figures, indent=1), "utf-8")
    title = f"{folder} on {usable_cores()} cores, {len(inputs)} samples"
    session.console.table(title, ["engine", "called", "ms", "spread", "ratio", "difference", ""], rows_of(speeds, best))
    session.console.info(f"engine=auto takes this from now on, on machines like this one: {path}")
    metrics = {f"{speed.engine}_{speed.way.threads}_threads_ms": speed.median for speed in speeds}
    return RunResult("benchmark", session.output, metrics, export=folder)


def compare(folder: Path, processor: Any, inputs: list[Inputs]) -> list[EngineSpeed]:
    """The speed of every engine that can run `folder`, in every way it may be called."""
    found: list[EngineSpeed] = []
    for way in ways_of(min(usable_cores(), 8)):
        models = opened_engines(folder, way.threads, inputs[0])
        if not models:
            raise UserError(f"nothing here can run {folder}: install the extra onnx or openvino")
        works = {name: work_of(processor, model) for name, model in models.items()}
        found += measure(works, processor, inputs, way)
    if is_onnx_only(folder):
        # A value on the edge of a step differs by the step, so engines are compared by their metrics.
        good = engines_as_good(folder)
        found = [replace(speed, tolerance=float("inf") if speed.engine in good else -1.0) for speed in found]
    return found


def samples_of(session: Session, finished: Finished, processor: Any, data: RunData | None = None) -> list[Inputs]:
    """Inputs made of the first validation samples; of the processor's example where the dataset is gone.

    Args:
        data: the dataset, where it is open already.
    """
    try:
        data = data or open_data(session, finished)
        val = data.split(session.options).val[:SAMPLES]
        module = data.build(session.options, is_fine_tuning=True)
        return inputs_of(module, module.dataset(val, "val", 0), SAMPLES)
    except UserError as error:
        session.console.warn(f"measured on a made-up sample, because the run's own are not to be had: {error}")
        return [stacked([processor.preprocess(processor.example())[0]])]


def inputs_of(module: Module[Any], dataset: Dataset, count: int) -> list[Inputs]:
    """The graph's inputs for `count` samples that are spread over `dataset`, one by one."""
    chosen = spread(len(dataset), count)
    unused = np.random.default_rng(0)
    batches = [module.collate_eval([dataset.get(index, unused)]) for index in chosen]
    return [batch["x"] if isinstance(batch["x"], tuple) else (batch["x"],) for batch in batches]


def rows_of(speeds: list[EngineSpeed], best: dict[int, str]) -> list[tuple[str, ...]]:
    """Lines of the table; ratios are to Paddle's own operations, above 1 is slower."""
    first = {speed.way: speed.median for speed in reversed(speeds)}
    return [
        (
            SHOWN[speed.engine],
            str(speed.way),
            f"{speed.median:.2f}",
            f"{speed.spread:.0%}",
            f"{speed.median / first[speed.way]:.2f}",
            f"{speed.difference:.1e}",
            _verdict(speed, best),
        )
        for speed in speeds
    ]


def _verdict(speed: EngineSpeed, best: dict[int, str]) -> str:
    if not speed.agrees:
        return "differs too much"
    return "chosen" if best.get(speed.way.threads) == speed.engine else ""


def work_of(processor: Any, model: Model) -> Work:
    """`model` run on a sample's inputs, as often as the sample needs."""

    def run(inputs: Inputs) -> list[Any]:
        return processor.run(model, inputs)

    return run


def _figures(speed: EngineSpeed) -> dict[str, Any]:
    return {
        "engine": speed.engine,
        "threads": speed.way.threads,
        "callers": speed.way.callers,
        "median_ms": speed.median,
        "spread": speed.spread,
        "rounds_ms": list(speed.milliseconds),
        "difference": speed.difference,
        "agrees": speed.agrees,
    }
