"""The sweep's loop, on runs that are learning curves by formula."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.simulated_runs import SimulatedEngine
from plx_train.config.options import SweepOptions
from plx_train.ground.stop import StopRequest
from plx_train.runs.trial import environment_of
from plx_train.sweep import sweeper as loop
from plx_train.sweep.executors.executor import JobSpec
from plx_train.sweep.history import record_of
from plx_train.sweep.record import Objective, SweepRecord
from plx_train.sweep.samplers import build_pruner, build_sampler
from plx_train.sweep.space import parse_space
from plx_train.sweep.study import Study
from plx_train.sweep.sweeper import Sweeper, SweepPlan
from plx_train.terminal.console import make_console

SEARCH = ["lr=tag(log, interval(1e-5, 1e-1))", "augment=choice(light, strong)"]
SCORE = (Objective(""),)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "POLL_SECONDS", 0.005)
    monkeypatch.setattr(loop, "ADOPT_SECONDS", 0.1)


def curve(params: dict[str, Any], epoch: int) -> float:
    """Best, 1, at lr=1e-3 with strong augmentation; the order shows from the first epoch on."""
    weak = 0.1 if params.get("augment") == "light" else 0.0
    return 1 - abs(math.log10(float(params.get("lr", 1e-3))) + 3) / 4 - weak - 0.3 * 0.5**epoch


def spec(number: int, seed: int | None, values: dict[str, Any], folder: Path) -> JobSpec:
    params = values | ({} if seed is None else {"seed": seed})
    return JobSpec(folder.name, ("python",), environment_of(folder, {}, params, []), folder)


def plan(arguments: list[str], num_trials: int, **changes: Any) -> SweepPlan:
    is_grid = changes.pop("is_grid", False)
    space = parse_space(arguments, {}, changes.pop("when", []), is_grid)
    made = SweepPlan(space, SCORE, num_trials, (None,), False, is_grid, 10, None, spec)
    return replace(made, **changes)


def open_study(folder: Path, made: SweepPlan, options: SweepOptions | None = None, storage: str | None = None) -> Study:
    study = Study(folder, "s", storage, made.objectives)
    study.join()
    options = options or SweepOptions(sampler="random")
    study.study.sampler = build_sampler(options, made.num_trials, len(study.trials()), len(made.objectives) > 1)
    study.study.pruner = build_pruner(options, 9)
    if made.is_grid:
        study.fill(made.space.grid()[: made.num_trials])
    return study


def work(study: Study, engine: SimulatedEngine, made: SweepPlan, stop: StopRequest | None = None) -> SweepRecord:
    Sweeper(study, engine, made, make_console(quiet=True), stop or StopRequest()).run()
    return record(study, made)


def record(study: Study, made: SweepPlan) -> SweepRecord:
    settings = {
        "sweep_id": "s", "command": "", "sampler": "", "pruner": "", "objectives": [["", "maximize"]] * len(SCORE),
        "keys": [one.key for one in made.space.parameters], "prefixes": {}, "fixed": [], "slots": [], "seeds": 1,
        "num_trials": made.num_trials,
    }  # fmt: skip
    settings["objectives"] = [[one.metric, one.direction] for one in made.objectives]
    return record_of(study, settings)


def states(found: SweepRecord) -> list[str]:
    return [trial.state for trial in found.trials]


def test_a_grid_runs_every_combination_in_the_order_of_the_command(tmp_path: Path) -> None:
    made = plan(["lr=1e-4,1e-3", "augment=light,strong"], 4, is_grid=True)
    found = work(open_study(tmp_path, made), SimulatedEngine(curve, 1), made)
    expected = [("0.0001", "light"), ("0.0001", "strong"), ("0.001", "light"), ("0.001", "strong")]
    assert [(trial.params["lr"], trial.params["augment"]) for trial in found.trials] == expected
    assert states(found) == ["complete"] * 4
    assert found.best[0].number == 3
    assert found.best[0].values == (pytest.approx(1 - 0.3 * 0.5**9),)


def test_a_grid_that_was_cut_short_can_be_completed(tmp_path: Path) -> None:
    for num_trials in (2, 4):
        made = plan(["lr=1e-4,1e-3", "augment=light,strong"], num_trials, is_grid=True)
        study = open_study(tmp_path, made)
        engine = SimulatedEngine(curve, 1, 2, 0.002)
        found = work(study, engine, made)
        study.close()
        assert states(found) == ["complete"] * num_trials
        assert len(engine.started) == 2, "what is done is not done again"


def test_who_reads_a_study_writes_nothing(tmp_path: Path) -> None:
    made = plan(["lr=1e-3"], 1, is_grid=True)
    study = open_study(tmp_path, made)
    work(study, SimulatedEngine(curve, 1, 2, 0.002), made)
    study.close()
    before = (tmp_path / "study.journal").read_bytes()
    reader = Study(tmp_path, "s", None, made.objectives)
    assert states(record(reader, made)) == ["complete"]
    reader.close()
    # Optuna notes that the study was asked for, which changes nothing in it.
    after = (tmp_path / "study.journal").read_bytes()
    assert b"beat" not in after[len(before) :]
    assert not list((tmp_path / "sweepers").iterdir())


def test_a_free_place_gets_a_new_run_at_once(tmp_path: Path) -> None:
    made = plan(["lr=" + ",".join(f"{n}e-4" for n in range(1, 9))], 8, is_grid=True)
    slow = {"0.0001": 0.3}
    engine = SimulatedEngine(curve, 2, 5, lambda params: slow.get(params["lr"], 0.01))
    found = work(open_study(tmp_path, made), engine, made)
    spans = [trial.jobs[0].spans[0] for trial in found.trials]
    assert sum(start < spans[0][1] for start, _ in spans[1:]) >= 5, "the others did not wait for the slow one"


def test_pruning_spends_less_and_finds_the_same(tmp_path: Path) -> None:
    spent, best = {}, {}
    for pruner in ("none", "asha"):
        options = SweepOptions(sampler="tpe", pruner=pruner, workers=2)
        made = plan(SEARCH, 20, is_pruning=pruner != "none")
        engine = SimulatedEngine(curve, 2, 9, 0.03)
        found = work(open_study(tmp_path / pruner, made, options), engine, made)
        spent[pruner], best[pruner] = engine.spent, found.best[0].values
        assert len(found.trials) == 20
    assert spent["asha"] < 0.7 * spent["none"]
    assert best["asha"][0] > best["none"][0] - 0.05
    assert "pruned" in states(found)


@pytest.mark.parametrize("sampler", ["random", "tpe", "cmaes"])
def test_every_sampler_searches(tmp_path: Path, sampler: str) -> None:
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    made = plan(["lr=tag(log, interval(1e-5, 1e-1))", "decay=interval(0.0, 1.0)"], 12)
    found = work(open_study(tmp_path, made, SweepOptions(sampler=sampler)), SimulatedEngine(curve, 4, 1, 0.001), made)
    assert states(found) == ["complete"] * 12
    assert len({trial.params["lr"] for trial in found.trials}) == 12
    assert all(1e-5 <= trial.params["lr"] <= 1e-1 for trial in found.trials)


def test_a_value_that_is_no_number_is_a_failure(tmp_path: Path) -> None:
    made = plan(["lr=1e-3"], 1, is_grid=True)
    found = work(open_study(tmp_path, made), SimulatedEngine(lambda *_: math.nan, 1, 2, 0.002), made)
    assert states(found) == ["failed"]
    assert found.trials[0].reason == "val/score is nan"


def test_a_pruned_run_stops_within_one_evaluation_and_says_why(tmp_path: Path) -> None:
    made = plan(["lr=1e-3,2e-5,1e-5"], 3, is_grid=True, is_pruning=True)
    study = open_study(tmp_path, made, SweepOptions(pruner="asha"))
    found = work(study, SimulatedEngine(curve, 1, 9, 0.05), made)
    assert states(found) == ["complete", "pruned", "pruned"]
    for trial in found.trials[1:]:
        assert trial.jobs[0].epochs <= 2
        assert "behind" in str(trial.reason)


def test_failures_are_kept_with_their_reason_and_do_not_stop_the_sweep(tmp_path: Path) -> None:
    faults = {"0.002": "the loss is not a number", "0.003": "memory ran out: lower trainer.batch_size"}
    made = plan(["lr=1e-3,2e-3,3e-3,4e-3"], 4, is_grid=True, max_failures=2)
    engine = SimulatedEngine(curve, 1, 3, 0.005, lambda params, epoch: faults.get(params["lr"]))
    found = work(open_study(tmp_path, made), engine, made)
    assert states(found) == ["complete", "failed", "failed", "complete"]
    assert found.trials[1].reason == "the loss is not a number"
    assert str(found.trials[2].reason).startswith("out of memory")


def test_too_many_failures_end_it(tmp_path: Path) -> None:
    made = plan(["lr=" + ",".join(f"{n}e-3" for n in range(1, 10))], 9, is_grid=True, max_failures=3)
    engine = SimulatedEngine(curve, 1, 3, 0.005, lambda params, epoch: "wrong")
    found = work(open_study(tmp_path, made), engine, made)
    assert states(found) == ["failed"] * 3 + ["waiting"] * 6


def test_a_killed_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    made = plan(["lr=1e-3,1e-4"], 2, is_grid=True)
    engine = SimulatedEngine(curve, 1, 9, 0.02)
    study = open_study(tmp_path, made)
    kill = threading.Timer(0.1, lambda: [run.kill() for run in engine.running.values()])
    kill.start()
    found = work(study, engine, made)
    assert states(found) == ["complete", "complete"]
    assert len(found.trials[0].jobs[0].spans) == 2
    assert engine.spent == 18, "no epoch was run twice"


def test_a_run_that_is_killed_without_getting_further_is_given_up(tmp_path: Path) -> None:
    made = plan(["lr=1e-3,1e-4"], 2, is_grid=True)
    engine = SimulatedEngine(curve, 1, 2, 0.002)
    original = engine.start

    def start(given: JobSpec) -> Any:
        run = original(given)
        if run.params["lr"] == "0.001":
            run.kill()
        return run

    engine.start = start  # type: ignore[method-assign]
    found = work(open_study(tmp_path, made), engine, made)
    assert states(found) == ["failed", "complete"]
    assert "signal 9" in str(found.trials[0].reason)


def test_a_sweep_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    made = plan(SEARCH, 8)
    first = open_study(tmp_path, made)
    engine = SimulatedEngine(curve, 2, 9, 0.02)
    sweeper = Sweeper(first, engine, made, make_console(quiet=True), StopRequest())
    began = time.monotonic()
    while time.monotonic() - began < 0.5:
        sweeper._look()
        while engine.free() and sweeper._start_one():
            pass
        time.sleep(0.005)
    assert sweeper.live, "it was in the middle"
    interrupted = {live.trial.number for live in sweeper.live}
    values = {trial.number: trial.params for trial in record(first, made).trials}
    # What the operating system does when a process is killed.
    assert first._lock is not None
    first._lock.close()

    second = open_study(tmp_path, made)
    other = SimulatedEngine(curve, 2, 9, 0.02)
    found = work(second, other, made)
    assert states(found) == ["complete"] * 8
    assert {trial.number: trial.params for trial in found.trials if trial.number in values} == values
    assert all(len(found.trials[number].jobs[0].spans) == 2 for number in interrupted)
    assert engine.spent + other.spent == 8 * 9, "no epoch was lost or run twice"
    assert len({str(trial.params) for trial in found.trials}) == 8, "no values are drawn again"


def test_a_signal_lets_runs_save_and_leaves_the_trials_open(tmp_path: Path) -> None:
    made, stop = plan(SEARCH, 6), StopRequest()
    threading.Timer(0.15, lambda: setattr(stop, "number", 15)).start()
    found = work(open_study(tmp_path, made), SimulatedEngine(curve, 2, 9, 0.02), made, stop)
    assert "running" in states(found)
    assert all(span[1] is not None for trial in found.trials for job in trial.jobs for span in job.spans)


def test_seeds_are_averaged_and_the_first_alone_is_pruned(tmp_path: Path) -> None:
    made = plan(["lr=1e-3,1e-5"], 2, is_grid=True, is_pruning=True, seeds=(5, 6, 7))
    noise = {5: 0.0, 6: 0.03, 7: 0.06}
    engine = SimulatedEngine(lambda params, epoch: curve(params, epoch) + noise[params["seed"]], 2, 5, 0.03)
    found = work(open_study(tmp_path, made, SweepOptions(pruner="asha")), engine, made)
    best = found.best[0]
    assert best.values == (pytest.approx(curve({"lr": 1e-3}, 5) + 0.03),)
    assert best.spreads == (pytest.approx(0.03),)
    assert [job.seed for job in best.jobs] == [5, 6, 7]
    assert len(found.trials[1].jobs) in (1, 3)


def test_two_objectives_give_the_frontier(tmp_path: Path) -> None:
    objectives = (Objective("val/score"), Objective("latency_ms", "minimize"))
    made = plan(["width=1,2,3,4"], 4, is_grid=True, objectives=objectives)
    scores = {"1": 0.2, "2": 0.6, "3": 0.5, "4": 0.9}
    engine = SimulatedEngine(lambda params, epoch: scores[params["width"]], 2, 2, 0.002)
    found = work(open_study(tmp_path, made), engine, made)
    assert [trial.params["width"] for trial in found.best] == ["4", "2", "1"]


def test_an_unknown_objective_is_named_with_what_there_is(tmp_path: Path) -> None:
    made = plan(["lr=1e-3"], 1, is_grid=True, objectives=(Objective("val/hmeen"),))
    found = work(open_study(tmp_path, made), SimulatedEngine(curve, 1, 2, 0.002), made)
    assert found.trials[0].reason == "the run gives no val/hmeen; there is: latency_ms, val/score"


@pytest.mark.parametrize("is_grid", [True, False])
def test_several_sweepers_share_one_study(tmp_path: Path, is_grid: bool) -> None:
    arguments = ["lr=" + ",".join(f"{n}e-4" for n in range(1, 10))] if is_grid else SEARCH
    made = plan(arguments, 9, is_grid=is_grid)
    address = f"sqlite:///{tmp_path}/study.db"
    studies = [open_study(tmp_path, made, storage=address) for _ in range(3)]
    engines = [SimulatedEngine(curve, 1, 5, 0.02) for _ in studies]
    threads = [
        threading.Thread(target=work, args=(study, engine, made))
        for study, engine in zip(studies, engines, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = record(studies[0], made)
    assert states(found) == ["complete"] * 9
    assert sum(engine.spent for engine in engines) == 45
    assert all(engine.started for engine in engines)


@pytest.mark.parametrize("sampler", ["random", "tpe", "cmaes", "gp"])
@pytest.mark.parametrize("places", [1, 3])
def test_a_small_space_is_searched_without_repetition(tmp_path: Path, sampler: str, places: int) -> None:
    if sampler in ("cmaes", "gp"):
        pytest.importorskip({"cmaes": "cmaes", "gp": "torch"}[sampler])
    made = plan(["lr=1e-3,1e-2", "augment=light,strong", "size=range(1, 3)"], 8)
    faults = {"2": "this size fails"}
    engine = SimulatedEngine(curve, places, 2, 0.002, lambda params, epoch: faults.get(str(params["size"])))
    found = work(open_study(tmp_path, made, SweepOptions(sampler=sampler)), engine, made)
    assert len({str(sorted(trial.params.items())) for trial in found.trials}) == len(found.trials) == 8
    assert sorted(states(found)) == ["complete"] * 4 + ["failed"] * 4
    assert len(engine.started) == 8, "one that failed is not tried again"


def test_sweepers_of_one_study_repeat_nothing_either(tmp_path: Path) -> None:
    made = plan(["lr=" + ",".join(f"{n}e-4" for n in range(1, 8))], 7)
    studies = [open_study(tmp_path, made) for _ in range(3)]
    engines = [SimulatedEngine(curve, 1, 3, 0.02) for _ in studies]
    pairs = zip(studies, engines, strict=True)
    threads = [threading.Thread(target=work, args=(study, engine, made)) for study, engine in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = record(studies[0], made)
    assert len({trial.params["lr"] for trial in found.trials}) == 7
    assert states(found) == ["complete"] * 7


def test_a_seed_that_varies_makes_other_configurations(tmp_path: Path) -> None:
    made = plan(["lr=1e-3", "seed=1,2,3"], 3, seeds=(None,))
    found = work(open_study(tmp_path, made), SimulatedEngine(curve, 1, 2, 0.002), made)
    assert sorted(trial.params["seed"] for trial in found.trials) == ["1", "2", "3"]
    assert len({trial.values for trial in found.trials}) == 1


def test_a_trial_whose_values_were_not_all_drawn_is_given_up(tmp_path: Path) -> None:
    made = plan(SEARCH, 3)
    first = open_study(tmp_path, made)
    half = first.study.ask()
    half.suggest_categorical("augment", ("light", "strong"))
    half.set_user_attr("owner", first.token)
    assert first._lock is not None
    first._lock.close()
    found = work(open_study(tmp_path, made), SimulatedEngine(curve, 1, 2, 0.002), made)
    assert states(found) == ["complete"] * 3
    assert all({"lr", "augment"} == {*trial.params} for trial in found.trials)
