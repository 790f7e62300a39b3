"""Fills the HTML report of a training run."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from plx_train.config.compose import default_values
from plx_train.contract.check import CheckReport
from plx_train.contract.evaluation import Evaluation
from plx_train.export.write import Exported
from plx_train.metrics.direction import LOWER, better_of
from plx_train.report import (
    Command,
    MetricChange,
    Picture,
    PrecisionRecall,
    ReportData,
    config_rows,
    metric_series,
    write_report,
)
from plx_train.runs.folder import REPORT_FILE, SPOOL_NAME
from plx_train.tracking import environment_tags, read_metrics
from plx_train.workflow.record import Record


def write_run_report(
    record: Record,
    module: Any,
    check: CheckReport,
    result: Any,
    exported: Exported,
    overlays: list[tuple[str, Path]],
    facts: dict[str, str],
    remarks: Sequence[str] = (),
) -> Path:
    """Writes ``report.html`` into the run's folder."""
    session = record.session
    path = session.output / REPORT_FILE
    errors = module.new_metric().errors
    data = ReportData(
        title=f"{module.name} on {session.options.dataset.name}",
        seconds=session.elapsed,
        facts={"date": time.strftime("%Y-%m-%d %H:%M"), "run": record.tracker.run_id or "not tracked", **facts},
        metrics=_changes(module.monitor, errors, result.first, result.best),
        notes=(*result.notes, *remarks),
        baselines=record.baselines,
        series=metric_series(read_metrics(session.output / SPOOL_NAME), errors),
        precision_recall=_curves(result.first, result.best),
        timings=result.state.timing,
        overlays=tuple(Picture(caption, picture) for caption, picture in overlays),
        overlay_legend=module.overlay_legend,
        pool=record.pool,
        check=check.to_json(),
        weights=record.facts.get("weights"),
        parity=json.loads(exported.parity.to_json()),
        config=config_rows(session.composed.flat, default_values(session.composed)),
        environment=environment_tags(Path.cwd()),
        commands=_commands(record, exported),
    )
    write_report(path, data)
    return path


def _changes(monitor: str, errors: Collection[str], first: Evaluation, best: Evaluation) -> tuple[MetricChange, ...]:
    names = [monitor, *(name for name in best.metrics if name != monitor)]
    calibrated = "calibrated" if f"{monitor}_official" in best.metrics else ""
    return tuple(
        MetricChange(
            name.removesuffix("_official"),
            first.metrics.get(name),
            best.metrics[name],
            "official settings" if name.endswith("_official") else calibrated,
            better_of(name, errors) == LOWER,
        )
        for name in names
    )


def _curves(first: Evaluation, best: Evaluation) -> tuple[PrecisionRecall, ...]:
    return tuple(
        PrecisionRecall(name, evaluation.curve, (evaluation.metrics["recall"], evaluation.metrics["precision"]))
        for name, evaluation in (("before", first), ("after", best))
        if evaluation.curve
    )


def _commands(record: Record, exported: Exported) -> tuple[Command, ...]:
    session, tracker = record.session, record.tracker
    again = shlex.join(["python", "-m", "plx_train", *session.composed.overrides])
    run, folder = shlex.quote(str(session.output)), shlex.quote(str(exported.folder))
    commands = [
        Command("run it again", again),
        Command("evaluate it", f"python -m plx_train mode=evaluate run={run}"),
        Command("predict with it", f"python -m plx_train mode=predict run={folder} input=<file or folder>"),
    ]
    if tracker.ui_command:
        commands.append(Command("open MLflow", tracker.ui_command))
    if tracker.run_url:
        commands.append(Command("this run in MLflow", tracker.run_url))
    return tuple(commands)
