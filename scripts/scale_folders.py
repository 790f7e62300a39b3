"""Folders of many runs, and of a sweep with many trials: made, and then read by the commands that read them."""

from __future__ import annotations

import contextlib
import io
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scale_store import command, median, run_id

EVALUATIONS = 9
METRIC = "val/accuracy"
INSIDE = ("checkpoints/best", "checkpoints/step_100", "checkpoints/step_200", "export", "samples/train", "samples/val")
FILES_EACH = 4
SPACE = ("optimizer.lr", "trainer.batch_size", "module.dropout")


def make_runs(outputs: Path, count: int) -> None:
    """Runs' folders with what they have in them, every record sent."""
    for number in range(count):
        folder = outputs / f"image_cls-train-{number:06d}"
        for place in INSIDE:
            (folder / place).mkdir(parents=True)
            for at in range(FILES_EACH):
                (folder / place / f"file{at}").touch()
        spool = folder / "tracking.jsonl"
        lines = [
            {"seq": at, "ms": at, "kind": "metrics", "content": {"step": at, "values": {"loss": 1.0}}}
            for at in range(50)
        ]
        spool.write_text("".join(json.dumps(line) + "\n" for line in lines))
        _say_sent(spool, number)
        facts = {"status": "FINISHED", "tracking_uri": "sqlite:////nowhere/mlflow.db", "run_id": run_id(number)}
        (folder / "run.json").write_text(json.dumps(facts))
        (folder / "run.lock").touch()


def _say_sent(spool: Path, number: int) -> None:
    from plx_train.tracking.spool import cursor_path, load_cursor

    cursor = load_cursor(cursor_path(spool))
    cursor.run_id, cursor.offset = run_id(number), spool.stat().st_size
    cursor.save()


def sync(place: Path) -> Iterator[tuple[str, float]]:
    """What mode=sync takes where nothing is left to send: (what, seconds)."""
    from plx_train.tracking.left_over import waiting_spools

    yield "what is unsent or dead", median(lambda: waiting_spools(place / "outputs"))
    yield "mode=sync, whole command", command(place, "mode=sync", "module=image_cls")


def make_sweep(folder: Path, count: int) -> None:
    """A sweep's folder with a study of so many trials, two of three pruned."""
    from plx_train.sweep.history import write_settings
    from plx_train.sweep.record import Objective
    from plx_train.sweep.study import Study

    folder.mkdir(parents=True)
    write_settings(folder, _settings(folder, count))
    study = Study(folder, folder.name, None, (Objective(METRIC),))
    study.study.add_trials([_trial(folder / "trials" / f"{number:03d}", number) for number in range(count)])
    study.close()


def _trial(run: Path, number: int) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution
    from optuna.trial import TrialState, create_trial

    from plx_train.sweep.study import BY_SEED, JOBS, VALUES

    kinds = (FloatDistribution(1e-5, 1e-1, log=True), CategoricalDistribution((16, 32)), FloatDistribution(0.0, 0.5))
    source = random.Random(number)
    drawn = (10 ** source.uniform(-5, -1), source.choice((16, 32)), source.uniform(0, 0.5))
    params = dict(zip(SPACE, drawn, strict=True))
    score, is_pruned = source.random(), number % 3 != 0
    curve = {step: score * (1 - 0.7**step) for step in range(1, 1 + (3 if is_pruned else EVALUATIONS))}
    _write_reports(run, curve)
    job: dict[str, Any] = {"folder": str(run), "seed": None, "slot": f"cpu:{number % 2}"}
    job |= {"spans": [[number, number + 1.0]]}
    job |= {"values": None if is_pruned else [score], "run_id": run_id(number), "steps": 10 * len(curve)}
    job |= {"epochs": len(curve), "planned_epochs": EVALUATIONS}
    by_seed: dict[str, Any] = {} if is_pruned else {BY_SEED: {"means": [score], "spreads": [0.0], "values": [[score]]}}
    return create_trial(
        state=TrialState.PRUNED if is_pruned else TrialState.COMPLETE,
        value=None if is_pruned else score,
        params=params,
        distributions=dict(zip(SPACE, kinds, strict=True)),
        user_attrs={VALUES: params, JOBS: [job]} | by_seed,
        intermediate_values=curve,
    )


def _write_reports(run: Path, curve: dict[int, float]) -> None:
    run.mkdir(parents=True)
    lines = [
        {
            "step": 10 * step,
            "epochs": step,
            "planned_epochs": EVALUATIONS,
            "monitor": METRIC,
            "metrics": {METRIC: value},
        }
        for step, value in curve.items()
    ]
    (run / "reports.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run / "run.lock").touch()


def _settings(folder: Path, count: int) -> dict[str, object]:
    return {
        "sweep_id": folder.name,
        "command": "python -m plx_train -m module=image_cls",
        "sampler": "tpe",
        "pruner": "asha",
        "objectives": [[METRIC, "maximize"]],
        "keys": list(SPACE),
        "prefixes": dict.fromkeys(SPACE, ""),
        "fixed": ["module=image_cls"],
        "num_trials": count,
        "slots": ["cpu:0", "cpu:1"],
        "seeds": 1,
        "storage": None,
        "module": "image_cls",
    }


def report(folder: Path) -> Iterator[tuple[str, float]]:
    """What mode=sweep_report takes, part by part: (what, seconds)."""
    began = time.perf_counter()
    import optuna  # noqa: F401

    yield "import optuna", time.perf_counter() - began
    from plx_train.sweep.history import load_record
    from plx_train.sweep.shown.importance import parameter_importances
    from plx_train.sweep.shown.report import write_sweep_report
    from plx_train.sweep.shown.table import show_sweep
    from plx_train.terminal.console import make_console

    record = load_record(folder)
    parameter_importances(record)
    yield "study read", median(lambda: load_record(folder))
    yield "importances", median(lambda: parameter_importances(record))
    yield "report written, importances with it", median(lambda: write_sweep_report(record, folder / "report.html"))
    with contextlib.redirect_stdout(io.StringIO()):
        yield "table shown", median(lambda: show_sweep(make_console(quiet=True), record))
    yield (
        "mode=sweep_report, whole command",
        command(folder, "mode=sweep_report", "module=image_cls", f"sweep_id={folder}"),
    )
    yield "python -m plx_train --version", command(folder, "--version")
