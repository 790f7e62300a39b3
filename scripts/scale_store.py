"""An MLflow store with many runs in it: filled by SQL, then asked what the workbench asks of it."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PARAMS, TAGS, SERIES, POINTS = 30, 18, 10, 5
EXPERIMENTS = ("image_cls", "text_det", "text_rec", "ts_forecast")
RUNS_A_SWEEP, RUNS_A_PROMOTION, MOST_VERSIONS = 20, 100, 200
LIVING_ELSEWHERE = 8
"""Runs of other machines that go on."""
CHUNK = 2000
REPEATS = 5
ROOT = Path(__file__).resolve().parent.parent


def run_id(number: int) -> str:
    """The id of a made run, 32 hexadecimal digits spread like real ones."""
    return f"{random.Random(f'run {number}').getrandbits(128):032x}"


def fill(uri: str, num_runs: int) -> float:
    """Makes the store, lets MLflow make its tables, and puts the runs in; seconds."""
    from plx_train.tracking.store import PROMOTIONS, experiment_id, open_client

    began = time.monotonic()
    client = open_client(uri)
    experiments = [experiment_id(client, uri, name) for name in EXPERIMENTS]
    ledger = experiment_id(client, uri, PROMOTIONS)
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as database:
        database.execute("PRAGMA synchronous=OFF")
        for start in range(0, num_runs, CHUNK):
            numbers = range(start, min(start + CHUNK, num_runs))
            _insert_runs(database, numbers, experiments, num_runs)
        _insert_promotions(database, ledger, max(1, num_runs // RUNS_A_PROMOTION))
    client.create_registered_model("image_cls")
    for number in range(min(MOST_VERSIONS, max(1, num_runs // RUNS_A_PROMOTION))):
        made = client.create_model_version("image_cls", f"file:///export/{number}", run_id(number))
    client.set_registered_model_alias("image_cls", "champion", made.version)
    return time.monotonic() - began


def _insert_runs(database: sqlite3.Connection, numbers: range, experiments: list[str], num_runs: int) -> None:
    runs, params, tags, metrics, latest = [], [], [], [], []
    for number in numbers:
        key, began = run_id(number), 1_700_000_000_000 + number * 60_000
        status = "RUNNING" if number >= num_runs - LIVING_ELSEWHERE else ("FINISHED", "FINISHED", "KILLED")[number % 3]
        place = int(experiments[number % len(experiments)])
        runs.append((key, f"run-{number}", status, began, began + 50_000, place, f"file:///mlartifacts/{key}"))
        params += [(f"module.option_{at}", f"value {number % 7} {at}", key) for at in range(PARAMS)]
        tags += [(name, value, key) for name, value in _tags(number, key).items()]
        for at in range(SERIES):
            points = [
                (f"val/metric_{at}", number % 97 + step / 10, began + step, step, 0, key) for step in range(POINTS)
            ]
            metrics += points
            latest.append(points[-1])
    _runs_into(database, runs)
    database.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", params)
    database.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", tags)
    columns = "(key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)"
    database.executemany(f"INSERT INTO metrics {columns}", metrics)
    database.executemany(f"INSERT INTO latest_metrics {columns}", latest)


def _runs_into(database: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    database.executemany(
        "INSERT INTO runs (run_uuid, name, status, start_time, end_time, experiment_id, artifact_uri, lifecycle_stage, "
        "source_type, source_name, entry_point_name, user_id, source_version) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 'active', 'UNKNOWN', '', '', 'someone', '')",
        rows,
    )


def _tags(number: int, key: str) -> dict[str, str]:
    sweep, trial = divmod(number, RUNS_A_SWEEP)
    own = {"plx.token": f"token {key}", "plx.output": f"/elsewhere/outputs/run-{number}"}
    own |= {"mlflow.runName": f"run-{number}", "plx.heartbeat": f"{number} 0"}
    own |= {"plx.host": "elsewhere", "plx.machine": "another", "plx.boot": "its start"}
    if trial:
        own |= {
            "sweep_id": f"image_cls-{sweep:08x}",
            "trial": str(trial),
            "mlflow.parentRunId": run_id(sweep * RUNS_A_SWEEP),
        }
    return own | {f"version.package_{at}": f"{at}.{number % 5}" for at in range(TAGS - len(own))}


def _insert_promotions(database: sqlite3.Connection, experiment: str, count: int) -> None:
    numbers = {"ok": True, "detail": "accuracy 0.79 against 0.78", "numbers": {"value": 0.79}}
    gates = json.dumps([{"name": name} | numbers for name in ("metric", "parity", "pipeline", "latency")])
    for number in range(count):
        key, began = run_id(-1 - number), 1_700_000_000_000 + number * 60_000
        said = {"action": "promote", "model": "image_cls", "alias": "champion", "former": str(number) if number else ""}
        said |= {
            "target": str(number + 1),
            "outcome": "promoted",
            "who": "someone@machine",
            "reason": "",
            "gates": gates,
        }
        row = (key, f"promote {number}", "FINISHED", began, began + 1, int(experiment), "file:///none")
        _runs_into(database, [row])
        rows = [(f"plx.{name}", value, key) for name, value in said.items()]
        database.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", rows)


def calls(uri: str, num_runs: int, folder: Path) -> Iterator[tuple[str, float]]:
    """What each question to the store takes in a process that has MLflow: (question, median seconds)."""
    import contextlib

    from plx_train.config.options import TrackingOptions
    from plx_train.ground.errors import UserError
    from plx_train.registry import ledger
    from plx_train.registry.resolve import current_version
    from plx_train.registry.versions import aliased_version
    from plx_train.tracking.dead_runs import close_dead_runs
    from plx_train.tracking.found_run import find_run
    from plx_train.tracking.receipts import find_by_token
    from plx_train.tracking.store import experiment_id, open_client
    from plx_train.tracking.tracker import start_tracking

    middle = run_id(num_runs // 2)
    client = open_client(uri)

    def absent() -> None:
        with contextlib.suppress(UserError):
            find_run(uri, "no-such-run")

    def history() -> None:
        found = ledger.entries(client)
        places = {(entry.model, entry.alias) for entry in found}
        ledger.settled(found, {place: aliased_version(client, *place) for place in places})

    numbers = iter(range(REPEATS))

    def tracked() -> None:
        output = folder / f"run{next(numbers)}"
        output.mkdir(parents=True)
        tracker = start_tracking(
            TrackingOptions(uri=uri), params={"a": "1"}, tags={}, output=output, datasets=[], config_yaml="", warn=print
        )
        assert tracker.wait_until_connected(60)
        tracker.log_metrics({"loss": 1.0}, 1)
        tracker.finish("FINISHED")

    yield "run=<its id>", median(lambda: find_run(uri, middle))
    yield "run=<first 8 digits of an id>", median(lambda: find_run(uri, middle[:8]))
    yield "run=<name>", median(lambda: find_run(uri, f"run-{num_runs // 2}"))
    yield "run=<none such>, with what is near", median(absent)
    yield "runs that ended without a word", median(lambda: close_dead_runs(client, uri, "", lambda sentence: None))
    image_cls = experiment_id(client, uri, "image_cls")
    yield "a run by its token", median(lambda: find_by_token(client, image_cls, f"token {run_id(0)}"))
    yield "record of a run, from start to end", median(tracked)
    yield "history of promotions", median(history)
    yield "version of an alias", median(lambda: current_version("image_cls", "champion", uri))


def median(call: Callable[[], Any]) -> float:
    """Seconds, of several calls."""
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def commands(uri: str, num_runs: int, folder: Path) -> Iterator[tuple[str, float]]:
    """What whole commands take, the start of Python and its imports included: (command, seconds)."""
    store = f"tracking.uri={uri}"
    yield "mode=promote history=true", command(folder, "mode=promote", "module=image_cls", "history=true", store)
    lines = ("mode=sync", "module=image_cls", f"run={run_id(num_runs // 2)[:8]}", store)
    yield "mode=sync run=<first 8 digits of an id>", command(folder, *lines)
    yield "--help", command(folder, "--help")


def command(folder: Path, *overrides: str) -> float:
    """Seconds from start to end of a command."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    line = [sys.executable, "-m", "plx_train", *overrides]
    subprocess.run(line, cwd=folder, env=environment, capture_output=True, check=False)
    return time.perf_counter() - began
