#!/usr/bin/env python3
"""What a sweep's parts are worth, each against not having it.

python scripts/bench_sweep.py pruning            # simulated curves: epochs spent until the best is within 1 %, 10 seeds
python scripts/bench_sweep.py replay --seeds 40  # recorded curves of real trainings: the same, in 40 orders
python scripts/bench_sweep.py utilisation        # uneven runs: share of the places' time that is used, against batches
python scripts/bench_sweep.py pace             # simulated runs beside 1,000: report to decision, end to next start
python scripts/bench_sweep.py kills --kills 20   # real tiny trainings: sweeper and runs killed at random; trials lost
python scripts/bench_sweep.py store              # 8 runs at once on a store that does not exist yet: all recorded?
python scripts/bench_sweep.py startup            # what a run costs beside its training
python scripts/bench_sweep.py real               # real tiny trainings, the same ones pruned and not: epochs, best score
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "scripts")]

from kit.simulated_runs import SimulatedEngine  # noqa: E402
from plx_train.config.options import SweepOptions  # noqa: E402
from plx_train.ground.stop import StopRequest  # noqa: E402
from plx_train.runs.trial import environment_of  # noqa: E402
from plx_train.sweep import sweeper as loop  # noqa: E402
from plx_train.sweep.executors.executor import JobSpec  # noqa: E402
from plx_train.sweep.history import load_record  # noqa: E402
from plx_train.sweep.record import Objective, SweepRecord  # noqa: E402
from plx_train.sweep.samplers import build_pruner, build_sampler  # noqa: E402
from plx_train.sweep.space import parse_space  # noqa: E402
from plx_train.sweep.study import Study  # noqa: E402
from plx_train.sweep.sweeper import Sweeper, SweepPlan  # noqa: E402
from plx_train.terminal.console import make_console  # noqa: E402

SPACE = ["lr=tag(log, interval(1e-5, 1e-1))", "decay=interval(0.0, 0.3)", "augment=choice(light, strong)"]
EPOCHS, TRIALS, PLACES, EPOCH_SECONDS = 27, 60, 4, 0.04
TINY = (
    *("module=image_cls", "device=cpu", "module.network=PP-LCNet_x0_25", "weights=null", "module.size=[32,32]"),
    *("dataset.limit=96", "trainer.batch_size=16", "trainer.ema_decay=null", "trainer.eval_every_epochs=1"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "part", choices=("pruning", "replay", "utilisation", "pace", "kills", "store", "startup", "real")
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=16, help="of real")
    parser.add_argument("--beside", type=int, nargs="+", default=[10, 100, 1000], help="trials that are there, of pace")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench_sweep_"))
    try:
        globals()[given.part](folder, given)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def curve(params: dict[str, Any], epoch: int) -> float:
    """A score from 0 to 1: three settings decide how good it gets, and chance how fast; with noise."""
    lr, decay = float(params["lr"]), float(params["decay"])
    final = 1 - 0.12 * abs(math.log10(lr) + 2.7) ** 1.5 - 0.8 * abs(decay - 0.1)
    final -= 0.05 if params["augment"] == "light" else 0.0
    speed = random.Random(f"{lr} {decay}").uniform(0.6, 0.8)
    noise = random.Random(f"{lr} {decay} {epoch}").gauss(0, 0.004)
    return max(0.0, final) * (1 - 0.7 * speed**epoch) + noise


def simulated(
    folder: Path, engine: SimulatedEngine, options: SweepOptions, space: list[str], trials: int, kind: Any = Sweeper
) -> Any:
    """The sweeper, of a `kind`, after a whole sweep of simulated runs."""

    def spec(number: int, seed: int | None, values: dict[str, Any], run: Path) -> JobSpec:
        return JobSpec(run.name, ("python",), environment_of(run, {}, values, []), run)

    study = Study(folder, "bench", None, (Objective(""),))
    study.join()
    study.study.sampler = build_sampler(options, trials, 0, False)
    study.study.pruner = build_pruner(options, engine.epochs)
    is_grid = options.sampler == "grid"
    parsed = parse_space(space, {}, [], is_grid)
    if is_grid:
        study.fill(parsed.grid())
    plan = SweepPlan(parsed, (Objective(""),), trials, (None,), options.pruner != "none", is_grid, None, None, spec)
    sweeper = kind(study, engine, plan, make_console(quiet=True), StopRequest())
    sweeper.run()
    return sweeper


def pruning(folder: Path, given: argparse.Namespace) -> None:
    loop.POLL_SECONDS = 0.002
    print(f"{TRIALS} trials of {EPOCHS} epochs, {PLACES} at a time, tpe, {given.seeds} seeds")
    print("pruner     epochs to within 1 % of the best of all (median, range)   epochs in all   best score")
    rows: dict[str, list[tuple[float, int, float]]] = {}
    courses: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for seed in range(given.seeds):
        for pruner in ("none", "median", "hyperband", "asha"):
            engine = SimulatedEngine(curve, PLACES, EPOCHS, EPOCH_SECONDS)
            options = SweepOptions(sampler="tpe", pruner=pruner, workers=PLACES, seed=seed)
            simulated(folder / f"{pruner}{seed}", engine, options, SPACE, TRIALS)
            courses[pruner, seed] = engine.finished
    for seed in range(given.seeds):
        # What the sweep without pruning found at its end is what the others have to come to.
        goal = 0.99 * max(value for _, value in courses["none", seed])
        for pruner in ("none", "median", "hyperband", "asha"):
            course = courses[pruner, seed]
            reached = next((spent for spent, value in course if value >= goal), None)
            last = course[-1][0]
            rows.setdefault(pruner, []).append((reached or math.inf, last, max(value for _, value in course)))
    for pruner, found in rows.items():
        to_goal = sorted(row[0] for row in found)
        best = [row[2] for row in found]
        shown = f"{statistics.median(to_goal):.0f} ({to_goal[0]:.0f} to {to_goal[-1]:.0f})"
        spread = f"{statistics.fmean(best):.4f} ± {statistics.stdev(best):.4f}" if len(best) > 1 else f"{best[0]:.4f}"
        print(f"{pruner:10} {shown:62}{statistics.median(row[1] for row in found):13.0f}   {spread}")
    plain = statistics.median(row[0] for row in rows["none"])
    for pruner in ("median", "hyperband", "asha"):
        own = statistics.median(row[0] for row in rows[pruner])
        told = f"{plain / own:.1f} times fewer epochs to the goal" if own < math.inf else "goal not reached"
        total = statistics.median(row[1] for row in rows["none"]) / statistics.median(row[1] for row in rows[pruner])
        print(f"{pruner}: {told}, {total:.1f} times fewer in all")


def replay(folder: Path, given: argparse.Namespace) -> None:
    """Curves that scripts/record_curves.py has recorded, in random orders."""
    import sweep_replay
    from optuna.pruners import SuccessiveHalvingPruner

    def builder(name: str) -> Callable[[int], Any]:
        return lambda epochs: build_pruner(SweepOptions(pruner=name), epochs)

    pruners = {name: builder(name) for name in ("none", "median", "hyperband", "asha")}
    # Optuna's, as it was the default before.
    pruners["optuna's"] = lambda epochs: SuccessiveHalvingPruner(max(1, epochs // 9), 3)
    for name in sorted(path.stem for path in sweep_replay.CURVES.glob("*.csv")):
        known = sweep_replay.recorded(name)
        sweep_replay.show(known, given.seeds, 2, pruners)


def utilisation(folder: Path, given: argparse.Namespace) -> None:
    """Two workers, runs of 2 s and 0.2 s in turn; and runs of random lengths."""
    for name, seconds in (("2 s and 0.2 s in turn", [2.0, 0.2] * 12), ("0.2 s to 3 s", _random_lengths(24))):
        space = ["n=" + ",".join(map(str, range(len(seconds))))]
        engine = SimulatedEngine(
            lambda params, epoch: 0.5, 2, 1, lambda params, seconds=seconds: seconds[int(params["n"])]
        )
        import optuna  # noqa: F401, the time that takes is no run's

        began = time.monotonic()
        simulated(folder / name.replace(" ", ""), engine, SweepOptions(), space, len(seconds))
        wall = time.monotonic() - began
        batches = sum(max(pair) for pair in zip(seconds[::2], seconds[1::2], strict=True))
        # The tail, where one place has nothing left to do, is part of it.
        print(f"{name}: {len(seconds)} runs on 2 places, used {sum(seconds) / 2 / wall:.1%} of {wall:.1f} s")
        print(
            f"  in batches of 2, each as long as its longest run: {sum(seconds) / 2 / batches:.1%} of {batches:.1f} s"
        )


def pace(folder: Path, given: argparse.Namespace) -> None:
    """What the sweep takes for its decisions beside many trials that are there already."""
    import sweep_pace

    loop.POLL_SECONDS = 0.002
    made = sweep_pace.filled(parse_space(SPACE, {}, [], False), max(given.beside), curve)
    print("| | trials | own, processor ms | sampler, processor ms | disk, ms | in all, ms | longest, ms | of |")
    print("|" + "---|" * 8)
    for (sampler, pruner), count in itertools.product(sweep_pace.KINDS, given.beside):
        place = folder / f"{sampler}-{pruner}-{count}"
        study = Study(place, "bench", None, (Objective(""),))
        with study.in_one_go():
            study.study.add_trials(made[:count])
        study.close()
        engine = SimulatedEngine(curve, sweep_pace.PLACES, sweep_pace.EPOCHS, sweep_pace.EPOCH_SECONDS)
        options = SweepOptions(sampler=sampler, pruner=pruner, workers=sweep_pace.PLACES)
        num_trials = count + sweep_pace.TRIALS
        done = simulated(place, engine, options, SPACE, num_trials, sweep_pace.PacedSweeper)
        for name, decisions in (("report to decision", done.judged), ("end to next start", done.chosen)):
            print(sweep_pace.shown(f"{sampler}, {pruner}: {name}", count, decisions), flush=True)


def _random_lengths(count: int) -> list[float]:
    source = random.Random(1)
    return [round(source.uniform(0.2, 3.0), 2) for _ in range(count)]


def command(folder: Path, *overrides: str) -> list[str]:
    """A sweep of tiny trainings."""
    store = f"tracking.uri=sqlite:///{folder}/mlflow.db"
    return [sys.executable, "-m", "plx_train", "-m", *TINY, f"output={folder / 'sweep'}", store, *overrides]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def kills(folder: Path, given: argparse.Namespace) -> None:
    """Kills a run or the sweeper at random, and gives the same command again until nothing is left to do."""
    trials, source = 6, random.Random(given.seeds)
    line = command(
        folder, "sweep=random", "sweep.pruner=none", f"sweep.trials={trials}", "sweep.workers=2", "sweep.seeds=1",
        "trainer.epochs=12", "trainer.save_every_steps=2", "optimizer.lr=tag(log, interval(1e-4, 1e-2))",
    )  # fmt: skip
    killed = {"run": 0, "sweeper": 0}
    rounds = 0
    log = (folder / "log.txt").open("w")
    while True:
        rounds += 1
        process = subprocess.Popen(line, env=environment(), stdout=log, stderr=log)
        while process.poll() is None:
            time.sleep(source.uniform(4.0, 14.0))
            if process.poll() is not None or sum(killed.values()) >= given.kills:
                process.wait()
                break
            runs = _runs_of(folder)
            if runs and source.random() < 0.6:
                _kill(source.choice(runs))
                killed["run"] += 1
            else:
                process.kill()
                process.wait()
                killed["sweeper"] += 1
        if process.returncode == 0:
            break
        if rounds > given.kills + 5:
            print("it does not come to an end", (folder / "log.txt").read_text()[-3000:])
            break
    record = load_record(folder / "sweep")
    states = [trial.state for trial in record.trials]
    print(f"{killed['run']} runs and {killed['sweeper']} sweepers killed; the command was given {rounds} times")
    complete = states.count("complete")
    print(f"trials: {len(states)} of {trials}, complete {complete}, lost {trials - complete}")
    print("processes of each:", [len(job.spans) for trial in record.trials for job in trial.jobs])
    print("children recorded as finished:", _finished_children(folder, record))


def _runs_of(folder: Path) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-f", f"output={folder / 'sweep'}/trials/"], capture_output=True, text=True, check=False
    )
    return [int(word) for word in found.stdout.split()]


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _finished_children(folder: Path, record: SweepRecord) -> int:
    from plx_train.tracking.store import open_client

    client = open_client(f"sqlite:///{folder}/mlflow.db")
    known = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(known, f"tags.mlflow.parentRunId = '{record.run_id}'")
    return sum(run.info.status == "FINISHED" for run in runs)


def store(folder: Path, given: argparse.Namespace) -> None:
    values = ",".join(f"{n}e-4" for n in range(1, 9))
    line = command(folder, f"optimizer.lr={values}", "sweep.workers=8", "trainer.max_steps=2")
    began = time.monotonic()
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, check=False)
    record = load_record(folder / "sweep")
    print(f"8 runs at once on a new store: exit code {done.returncode}, {time.monotonic() - began:.0f} s")
    print(f"complete {len(record.complete)} of 8, recorded as finished {_finished_children(folder, record)} of 8")


def startup(folder: Path, given: argparse.Namespace) -> None:
    """Runs of one step: process, imports, check, two evaluations, export and proof; and the sweep's own part of it."""
    line = command(folder, "optimizer.lr=1e-4,2e-4,3e-4,4e-4", "trainer.max_steps=1", "tracking=off")
    began = time.time()
    subprocess.run(line, env=environment(), capture_output=True, check=False)
    ended = time.time()
    spans = [trial.jobs[0].spans[0] for trial in load_record(folder / "sweep").trials]
    lengths = [end - start for start, end in spans if end is not None]
    gaps = [later[0] - former[1] for former, later in itertools.pairwise(spans) if former[1] is not None]
    first, last = spans[0][0] - began, ended - (spans[-1][1] or ended)
    print(f"a run of one step: {statistics.median(lengths):.1f} s; between two runs: {statistics.median(gaps):.2f} s")
    print(f"the sweep before its first run: {first:.1f} s, after its last: {last:.1f} s")


def real(folder: Path, given: argparse.Namespace) -> None:
    """The same random configurations one after the other, pruned and not: the recipe of vowels, 9 epochs long."""
    fixed = ["module=ts_cls", "device=cpu", "module.depth=3", "trainer.epochs=9", "trainer.eval_every_epochs=1"]
    space = ["trainer.batch_size=16,32,64", "module.hidden=4,8,16", "optimizer.lr=tag(log, interval(1e-4, 1e-1))"]
    for pruner in ("none", "asha"):
        place = folder / pruner
        sweep = [f"output={place}", "sweep=random", f"sweep.pruner={pruner}", f"sweep.trials={given.trials}"]
        line = [sys.executable, "-m", "plx_train", "-m", *fixed, "tracking=off", *sweep, *space]
        began = time.monotonic()
        done = subprocess.run(line, env=environment(), capture_output=True, text=True, check=False)
        record = load_record(place)
        epochs = sum(job.epochs for trial in record.trials for job in trial.jobs)
        best = record.best[0].values[0] if record.best and record.best[0].values else math.nan
        states = [trial.state for trial in record.trials]
        counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        to_best = sum(job.epochs for trial in record.trials[: record.best[0].number + 1] for job in trial.jobs)
        print(
            f"{pruner}: exit code {done.returncode}, {counts}; {epochs:.0f} epochs, {time.monotonic() - began:.0f} s, "
            f"best {best:.4f} in trial {record.best[0].number}, after {to_best:.0f} epochs",
            flush=True,
        )


if __name__ == "__main__":
    main()
