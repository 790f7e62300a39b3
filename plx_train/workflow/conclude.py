"""The end of a training run: export, proof, pictures, report, summary."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Module
from plx_train.contract.room import AnyRoom
from plx_train.export.write import Exported, export
from plx_train.ground.durations import readable_duration
from plx_train.machine.device import OpenDevice
from plx_train.metrics.direction import Better, errors_among, monitored, sign
from plx_train.runs.folder import CHECK_FILE, CURVES_FILE, EXPORT, OVERLAYS, PARITY_FILE
from plx_train.runs.result import RunResult
from plx_train.train.plan import ending
from plx_train.train.warnings import baseline_verdicts, by_heart_verdict
from plx_train.vision.image import write_image
from plx_train.workflow.cost import cost_figures
from plx_train.workflow.dataset import RunData
from plx_train.workflow.final_test import measure_test
from plx_train.workflow.gain import gain_of
from plx_train.workflow.pool_pictures import pool_pictures
from plx_train.workflow.record import Record
from plx_train.workflow.run_report import write_run_report
from plx_train.workflow.session import Session

if TYPE_CHECKING:
    from plx_train.train.loop import TrainResult

CONNECT_SECONDS = 30
NUM_WORST = 6
"""Validation samples shown with what was found and missed."""


def conclude(
    record: Record, data: RunData, module: Module[Any], val: Dataset, result: TrainResult, device: OpenDevice
) -> RunResult:
    """Exports the best weights, proves the export, writes pictures and report, and says what came of the run."""
    session, best = record.session, result.best
    # The store is made and reached in a thread; the report and the summary name the run.
    record.tracker.wait_until_connected(CONNECT_SECONDS)
    record.stop.check()
    exported = _export(session, data, module, val, best, device)
    session.ended("export and proof")
    record.stop.check()
    overlays = write_overlays(session.output / OVERLAYS, data.room, module, val, best)
    details = write_details(session.output, module, val, best)
    record.stop.check()
    figures = _figures(result) | {f"baseline/{name}": value for name, value in record.baselines.items()}
    figures |= measure_test(record, data, module, exported.folder, best.processor, device.eval_threads)
    figures |= cost_figures(record.trial.objectives, exported.folder, val)
    better = monitored(module)
    gain = gain_of(record, data, module, best.metrics[module.monitor], val)
    figures |= gain.figures(module.monitor)
    verdicts = baseline_verdicts(module.monitor, better, best.metrics[module.monitor], record.baselines)
    remarks = [*gain.sentences, *verdicts, *module.remarks(val, best)]
    record.write(
        metrics=figures,
        errors=errors_among(figures, module.new_metric().errors),
        monitor=f"val/{module.monitor}",
        processor=asdict(best.processor),
        export=str(exported.folder),
        **({"pool": gain.pool} if gain.pool else {}),
        seconds=session.elapsed,
        notes=remarks,
    )
    facts = {"device": device.name, "precision": device.precision, "best at": ending(result.state)}
    record.pool = gain.section(pool_pictures(session.output, session.options, data, record.gallery))
    report = write_run_report(record, module, data.report, result, exported, overlays, facts, remarks)
    tracker = record.tracker
    tracker.log_metrics({f"final/{name}": value for name, value in figures.items()}, result.state.step)
    tracker.set_tags({"export": str(exported.folder), "ended_by": result.state.ended_by})
    proof, pictures = exported.folder / PARITY_FILE, session.output / OVERLAYS
    for path in (report, session.output / CHECK_FILE, proof, pictures, *details):
        tracker.log_artifact(path)
    tracker.log_artifact(exported.folder, EXPORT)
    curves = {"columns": ["recall", "precision"], "before": result.first.curve, "after": best.curve}
    tracker.log_text(json.dumps(curves), CURVES_FILE)
    test = figures.get(f"test/{module.monitor}")
    session.ended("pictures and report")
    remarks += [] if test is None else [f"{module.monitor} on the test split, by which nothing was chosen: {test:.4f}"]
    _summarise(session, record, result, exported, report, remarks, better)
    return RunResult("train", session.output, figures, tracker.run_id, exported.folder, report)


def _export(
    session: Session, data: RunData, module: Module[Any], val: Dataset, best: Evaluation, device: OpenDevice
) -> Exported:
    options = session.options
    lineage = {
        "run": session.output.name,
        "dataset": options.dataset.name,
        "dataset_fingerprint": data.report.fingerprint,
        "metrics": {name: round(value, 6) for name, value in best.metrics.items()},
    }
    return export(
        module,
        best.processor,
        session.output / EXPORT,
        data.room.model_name(options.module),
        lineage,
        val,
        expected=best.metrics[module.monitor],
        onnx=options.onnx,
        num_threads=device.eval_threads,
    )


def write_overlays(
    folder: Path, room: AnyRoom, module: Module[Any], val: Dataset, evaluation: Evaluation
) -> list[tuple[str, Path]]:
    """Pictures of the worst samples: (caption, file)."""
    folder.mkdir(exist_ok=True)
    more = sign(monitored(module))
    worst = sorted(evaluation.samples, key=lambda sample: (more * sample.value, sample.index))[:NUM_WORST]
    pictures = []
    for rank, score in enumerate(worst, 1):
        sample = val.get(score.index, np.random.default_rng(0))
        image = room.overlay(evaluation.processor, val.original(score.index), score.prediction, sample.truth)
        name = score.name.partition(" (")[0]
        path = folder / f"worst_{rank}_{plain_name(Path(name).stem)}.jpg"
        write_image(path, image)
        pictures.append((f"{name}: {module.sample_value or module.monitor} {score.value:.3f}", path))
    return pictures


def plain_name(text: str) -> str:
    """`text` with nothing in it that a file's name can't hold everywhere."""
    return re.sub(r"[^\w.-]+", "_", text)[:100]


def write_details(folder: Path, module: Module[Any], val: Dataset, evaluation: Evaluation) -> list[Path]:
    """Files that the module has to say about an evaluation, figures per class for example, where it has such."""
    paths = []
    for name, text in module.details(val, evaluation).items():
        paths.append(folder / name)
        paths[-1].write_text(text, "utf-8")
    return paths


def _figures(result: TrainResult) -> dict[str, float]:
    """Before and after, official settings and calibrated."""
    figures = {f"val/{name}": value for name, value in result.best.metrics.items()}
    return figures | {f"before/{name}": value for name, value in result.first.metrics.items()}


def _summarise(
    session: Session,
    record: Record,
    result: TrainResult,
    exported: Exported,
    report: Path,
    remarks: list[str],
    better: Better,
) -> None:
    tracker, name = record.tracker, record.session.options.module.name
    before, after = result.first.metrics, result.best.metrics
    monitor = next(iter(after))
    official = f"{monitor}_official"
    rows = [
        (f"{monitor}, calibrated" if official in after else monitor, f"{before[monitor]:.4f} → {after[monitor]:.4f}")
    ]
    if official in after:
        rows.append((f"{monitor}, official settings", f"{before[official]:.4f} → {after[official]:.4f}"))
    rows += [(f"baseline {name}", f"{value:.4f}") for name, value in record.baselines.items()]
    rows += [("note", said) for said in remarks]
    if session.options.dataset.overfit:
        rows.append(("by heart", by_heart_verdict(better, after[monitor], before[monitor])))
    rows += [
        ("best at", ending(result.state)),
        ("time", f"{readable_duration(session.elapsed)}: {_parts(session)}"),
        ("proof", exported.parity.sentence),
        ("export", str(exported.folder)),
        ("report", str(report)),
        ("predict", f"python -m plx_train mode=predict {shlex.quote(f'run={exported.folder}')} input=<file or folder>"),
    ]
    if tracker.ui_command:
        rows.append(("MLflow", tracker.ui_command))
    if tracker.run_url:
        rows.append(("this run", tracker.run_url))
    session.console.summary(f"{name} on {session.options.dataset.name}", rows)


def _parts(session: Session) -> str:
    """What the command's time went into, the least of it left out."""
    least = min(session.elapsed / 100, 1.0)
    return ", ".join(f"{part} {readable_duration(each)}" for part, each in session.parts.items() if each >= least)
