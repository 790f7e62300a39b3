"""A whole sweep of tiny trainings: stopped, killed, gone on with, and recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.places import ROOT
from plx_train.sweep.command import find_folder
from plx_train.sweep.history import best_run, load_record
from plx_train.sweep.order import order

TINY = (
    *("module=image_cls", "device=cpu", "module.network=PP-LCNet_x0_25", "weights=null", "module.size=[32,32]"),
    *("dataset.limit=32", "trainer.batch_size=16", "trainer.ema_decay=null", "trainer.eval_every_epochs=1"),
)


def start(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "plx_train", "-m", *TINY, *overrides]
    root = str(ROOT)
    environment = {**os.environ, "PYTHONPATH": root}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(line, cwd=folder, env=environment, text=True, **pipes)


@pytest.mark.long
def test_a_sweep_is_killed_goes_on_and_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["sweep=random", "sweep.trials=3", "sweep.workers=2", "trainer.epochs=2", "trainer.save_every_steps=1"]
    arguments += ["optimizer.lr=tag(log, interval(1e-4, 1e-2))", "sweep.pruner=none"]
    sweeps = tmp_path / "outputs" / "sweeps"
    first = start(tmp_path, *arguments)
    _wait_for(sweeps, "*/trials/000/checkpoints/step_*")
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 128 + signal.SIGTERM
    assert "the same command goes on with the sweep: python -m plx_train -m" in said

    second = start(tmp_path, *arguments)
    while "was interrupted, and goes on" not in second.stdout.readline():
        assert second.poll() is None
    time.sleep(3.0)
    second.send_signal(signal.SIGKILL)
    second.communicate()

    third = start(tmp_path, *arguments)
    said, faults = third.communicate(timeout=280)
    assert third.returncode == 0, faults
    assert "was interrupted, and goes on" in said
    folder = next(sweeps.iterdir())
    record = load_record(folder)
    assert [trial.state for trial in record.trials] == ["complete"] * 3
    assert max(len(job.spans) for trial in record.trials for job in trial.jobs) >= 2
    assert record.objectives[0].metric == "val/accuracy"
    assert "<svg" in (folder / "report.html").read_text()

    monkeypatch.chdir(tmp_path)
    ordered = order([*TINY, *arguments])
    assert find_folder(ordered) == folder
    assert (best_run(folder) / "export" / "inference.yml").is_file()
    _check_records(tmp_path, record.run_id, record.sweep_id)

    again = start(tmp_path, *arguments)
    said, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert "is complete" in said


def _wait_for(folder: Path, pattern: str, seconds: float = 120.0) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up and not list(folder.glob(pattern)):
        time.sleep(0.1)


def _check_records(folder: Path, run_id: str | None, name: str) -> None:
    from plx_train.tracking.store import open_client

    client = open_client(f"sqlite:///{folder}/outputs/mlflow.db")
    assert run_id is not None
    parent = client.get_run(run_id)
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["best_command"].startswith("python -m plx_train module=image_cls")
    assert parent.data.metrics["num_complete"] == 3
    experiments = [parent.info.experiment_id]
    children = client.search_runs(experiments, f"tags.mlflow.parentRunId = '{run_id}'")
    assert sorted(run.data.tags["trial"] for run in children) == ["0", "1", "2"]
    assert {run.info.status for run in children} == {"FINISHED"}
    assert {run.data.tags["sweep_id"] for run in children} == {name}
    for run in children:
        assert min(run.data.params) == "_optimizer.lr"
        assert float(run.data.params["_optimizer.lr"]) == float(run.data.params["optimizer.lr"])
    artifacts = {item.path for item in client.list_artifacts(run_id)}
    assert {"report.html", "best.json"} <= artifacts
    local = client.download_artifacts(run_id, "best.json")
    best = json.loads(Path(local).read_text())[0]
    assert best["runs"][0] in {run.info.run_id for run in children}
