"""``-m`` as users give it: mistakes, names, and a whole sweep of tiny trainings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from kit.places import ROOT
from plx_train.ground.errors import ConfigError, UserError
from plx_train.sweep.command import find_folder
from plx_train.sweep.history import best_run, find_sweep, load_record
from plx_train.sweep.order import order, sweep_id, trial_overrides
from plx_train.sweep.space import parse_space

TINY = (
    *("module=image_cls", "device=cpu", "module.network=PP-LCNet_x0_25", "weights=null", "module.size=[32,32]"),
    *("dataset.limit=32", "trainer.batch_size=16", "trainer.ema_decay=null", "trainer.eval_every_epochs=1"),
)
MISTAKES = {
    "an interval in a grid": (["optimizer.lr=interval(1e-5,1e-3)"], "add sweep=tpe"),
    "ends the wrong way round": (["sweep=tpe", "optimizer.lr=interval(1e-3,1e-5)"], "first must be less"),
    "a magnitude of nothing": (["sweep=tpe", "optimizer.lr=tag(log, interval(0.0,1e-5))"], "above 0"),
    "a misspelt key": (["optimizer.lrr=1,2"], "did you mean 'optimizer.lr'?"),
    "a misspelt choice": (["sweep=tpe", "module=text_det,text_dett"], "did you mean 'text_det'?"),
    "a value out of range": (["trainer.batch_size=4,0"], "at least 1"),
    "an end out of range": (["sweep=tpe", "optimizer.lr=interval(-1.0,1.0)"], "at least 0"),
    "what names the run": (["output=a,b"], "output can't vary"),
    "a sweep in a sweep": (["sweep.workers=1,2"], "sweep.workers can't vary"),
    "seeds twice": (["seed=1,2", "sweep.seeds=2"], "leave out sweep.seeds"),
    "nothing to search": (["sweep=tpe"], "nothing to search"),
    "two objectives and a pruner": (
        ["sweep=tpe", "sweep.pruner=asha", "sweep.objectives=[val/hmean,min:latency_ms]", "seed=1,2"],
        "with several objectives",
    ),
    "a direction": (["sweep=tpe", "sweep.objectives=[least:latency_ms]", "seed=1,2"], "min:latency_ms"),
    "a condition": (["sweep=tpe", "sweep.when=['seed when x']", "seed=1,2"], "key if other.key=value"),
    "a condition on nothing": (["sweep=tpe", "sweep.when=['onnx if seed=1']", "seed=1,2"], "does not vary"),
    "rungs that are one": (["sweep=tpe", "sweep.reduction=1", "seed=1,2"], "must be at least 2"),
    "a pruner": (["sweep=tpe", "sweep.pruner=ashaa", "seed=1,2"], "did you mean 'asha'?"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_before_anything_starts(name: str) -> None:
    arguments, told = MISTAKES[name]
    with pytest.raises(ConfigError, match=told.replace("?", r"\?")):
        order(arguments)


def test_hydras_words_become_distributions() -> None:
    space = parse_space(
        ["a=tag(log, interval(1e-5, 1e-2))", "b=interval(0.0, 0.5)", "c=int(interval(1, 9))", "d=range(2, 10, 3)",
         "e=choice(x, y)", "f=1,2", "g=range(0.1, 0.4, 0.1)"],
        {}, [], is_grid=False,
    )  # fmt: skip
    trial = optuna.create_study().ask()
    for one in space.parameters:
        one.suggest(trial)
    shown = [str(trial.distributions[one.name]) for one in space.parameters]
    assert shown == [
        "FloatDistribution(high=0.01, log=True, low=1e-05, step=None)",
        "FloatDistribution(high=0.5, log=False, low=0.0, step=None)",
        "IntDistribution(high=9, log=False, low=1, step=1)",
        "IntDistribution(high=8, log=False, low=2, step=3)",
        "CategoricalDistribution(choices=('x', 'y'))",
        "CategoricalDistribution(choices=('1', '2'))",
        "FloatDistribution(high=0.3, log=False, low=0.1, step=0.1)",
    ]


def test_a_parameter_varies_only_where_its_condition_holds() -> None:
    when = ["b if a=x", "c if b=2"]
    space = parse_space(["c=5,6", "b=1,2", "a=x,y", "d=0"], {}, when, is_grid=True)
    assert [one.key for one in space.parameters] == ["a", "b", "c"], "what others depend on comes first"
    assert space.grid() == [
        {"a": "x", "b": "1"},
        {"a": "x", "b": "2", "c": "5"},
        {"a": "x", "b": "2", "c": "6"},
        {"a": "y"},
    ]
    with pytest.raises(ConfigError, match="circle"):
        parse_space(["a=1,2", "b=1,2"], {}, ["a if b=1", "b if a=1"], is_grid=True)


def test_a_file_says_what_varies_and_the_command_line_counts() -> None:
    params = {"optimizer.lr": "tag(log, interval(1e-5, 1e-2))", "trainer.batch_size": "2,4"}
    space = parse_space(["seed=3", "trainer.batch_size=8,16"], params, [], is_grid=False)
    assert space.fixed == ("seed=3",)
    assert {one.name: one.choices for one in space.parameters} == {
        "trainer.batch_size": ("8", "16"),
        "optimizer.lr": (),
    }
    assert next(one for one in space.parameters if one.name == "optimizer.lr").is_log


def test_an_even_search_over_magnitudes_gets_a_hint() -> None:
    hints = parse_space(["a=interval(1e-5, 1e-2)", "b=interval(0.1, 0.5)"], {}, [], is_grid=False).hints()
    assert len(hints) == 1 and "tag(log, interval(1e-05, 0.01))" in hints[0]


def test_the_command_names_the_sweep_whatever_its_workers() -> None:
    search = ["sweep=tpe", "optimizer.lr=interval(1e-5,1e-3)"]
    names = [sweep_id(order([*search, *more])) for more in ([], ["sweep.workers=2"], ["sweep.trials=60"])]
    assert len(set(names)) == 1
    assert sweep_id(order([*search, "trainer.epochs=3"])) != names[0]


def test_runs_get_what_is_not_the_sweeps_own() -> None:
    given = ["sweep=tpe", "sweep.trials=3", "output=x", "seed=2", "dataset.root=/a b"]
    assert trial_overrides(given) == ["seed=2", "dataset.root=/a b"]


def test_a_sweep_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "text_det-12345678").mkdir()
    (tmp_path / "text_det-12345678" / "sweep.json").write_text("{}")
    assert find_sweep(tmp_path, "text_det-123").name == "text_det-12345678"
    with pytest.raises(UserError, match="did you mean text_det-12345678"):
        find_sweep(tmp_path, "textdet-12345678")


def start(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "plx_train", "-m", *TINY, *overrides]
    root = str(ROOT)
    environment = {**os.environ, "PYTHONPATH": root}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(line, cwd=folder, env=environment, text=True, **pipes)


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
