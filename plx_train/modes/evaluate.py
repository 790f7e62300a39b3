"""mode=evaluate: the metrics of a run, a checkpoint, an export or weights alone, by the evaluator of training."""

from __future__ import annotations

import json

import numpy as np

from plx_train.config.compose import Composed
from plx_train.machine.device import check_device
from plx_train.runs.folder import METRICS_FILE, OVERLAYS
from plx_train.runs.result import RunResult
from plx_train.workflow.conclude import write_details, write_overlays
from plx_train.workflow.evaluation import evaluate_source, is_on_same_data
from plx_train.workflow.source import Source, find_source
from plx_train.workflow.workbench import Workbench, open_workbench


def run(composed: Composed) -> RunResult:
    """Evaluates, and compares with what was logged where that is known."""
    check_device(composed.options.device)
    source = find_source(composed)
    with open_workbench(composed, source) as bench:
        return _evaluated(bench, source)


def _evaluated(bench: Workbench, source: Source) -> RunResult:
    session = bench.session
    module, evaluation = evaluate_source(bench, source)
    val = module.dataset(bench.splits.val, "val", 0)
    write_overlays(session.output / OVERLAYS, bench.data.room, module, val, evaluation)
    write_details(session.output, module, val, evaluation)
    metrics = {f"val/{name}": value for name, value in evaluation.metrics.items()}
    (session.output / METRICS_FILE).write_text(json.dumps(metrics, indent=1), "utf-8")
    logged, is_same = source.recorded().get("metrics", {}), is_on_same_data(bench, source)
    rows = [
        (name, f"{value:.4f}" if np.isfinite(value) else str(value), _compare(value, logged.get(name), is_same))
        for name, value in metrics.items()
    ]
    model = f"{source.weights}, as they are," if source.weights else module.name
    session.console.table(f"{model} on {session.options.dataset.name}", ["metric", "value", "logged"], rows)
    session.console.info(f"overlays of the worst samples: {session.output / OVERLAYS}")
    return RunResult("evaluate", session.output, metrics)


def _compare(value: float, logged: float | None, is_same: bool) -> str:
    if logged is None:
        return ""
    if not is_same:
        return f"{logged:.6f}, other data"
    return "equal" if value == logged else f"{logged:.6f}, differs by {value - logged:+.2g}"
