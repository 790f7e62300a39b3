"""mode=evaluate: the metrics of a run, a checkpoint or an exported folder, by the evaluator that training uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.config.compose import Composed
from plx_train.contract.evaluation import Evaluation
from plx_train.export.predictor import stacked
from plx_train.export.runtimes import Model, open_model
from plx_train.export.static_model import StaticModel, folder_engine, processor_of
from plx_train.machine.device import check_device
from plx_train.metrics.evaluate import evaluate, network_engine
from plx_train.runs.exported import is_onnx_only, read_inference
from plx_train.runs.result import RunResult
from plx_train.workflow.conclude import write_details, write_overlays
from plx_train.workflow.session import (
    Session,
    Splits,
    check_data,
    open_session,
    split,
    start_device,
    with_processor,
)
from plx_train.workflow.source import Source, build_room, find_source, load_source, with_recorded_options


def run(composed: Composed) -> RunResult:
    """Evaluates, and compares with what was logged where that is known."""
    check_device(composed.options.device)
    source = find_source(composed.options)
    session = open_session(with_recorded_options(composed, source))
    _, checked = check_data(session, source.export or source.checkpoint)
    splits = split(checked, session.options.dataset, session.options.seed)
    module, evaluation = measure(session, source, splits)
    val = module.dataset(splits.val, "val", 0)
    write_overlays(session.output / "overlays", module, val, evaluation)
    write_details(session.output, module, val, evaluation)
    metrics = {f"val/{name}": value for name, value in evaluation.metrics.items()}
    (session.output / "metrics.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    logged = source.recorded().get("metrics", {})
    rows = [
        (name, f"{value:.4f}" if np.isfinite(value) else str(value), _compare(value, logged.get(name)))
        for name, value in metrics.items()
    ]
    session.console.table(f"{module.name} on {session.options.dataset.name}", ["metric", "value", "logged"], rows)
    session.console.info(f"overlays of the worst samples: {session.output / 'overlays'}")
    return RunResult("evaluate", session.output, metrics)


def measure(session: Session, source: Source, splits: Splits) -> tuple[Any, Evaluation]:
    """The module and its evaluation on the validation split, with the model's own processing."""
    device = start_device(session.options)
    if source.export:
        module = build_room(session.options.module, True)
        processor = processor_of(read_inference(source.export))
        engine = folder_engine(_model_of(source.export, device.name, processor), processor)
        val = module.dataset(splits.val, "val", 0)
        return module, evaluate(module, engine, val, processor, device.eval_threads)
    module, state = load_source(session.options.module, source)
    processor = with_processor(module, state["processor"])
    val = module.dataset(splits.val, "val", 0)
    engine = network_engine(module)
    official = module.processor if module.has_calibration and module.has_official else None
    return module, evaluate(module, engine, val, processor, device.eval_threads, official)


def _model_of(folder: Path, device: str, processor: Any) -> Model:
    """Run by Paddle, which is what the proof is about; by another engine only where Paddle can't run it."""
    if not is_onnx_only(folder):
        return StaticModel(folder, device, threads=1)
    return open_model(folder, device, 1, "auto", stacked([processor.preprocess(processor.example())[0]]))[0]


def _compare(value: float, logged: float | None) -> str:
    if logged is None:
        return ""
    return "equal" if value == logged else f"{logged:.6f}, differs by {value - logged:+.2g}"
