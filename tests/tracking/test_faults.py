"""A store that is slow, down, broken, locked or full: training is not held up, and in the end nothing is missing."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import plx_train
from kit.faulty_proxy import FaultyProxy
from kit.processes import until
from plx_train.ground.credentials import VARIABLE
from plx_train.runs.facts import write_facts
from plx_train.runs.lock import hold
from plx_train.runs.owner import sealed
from plx_train.tracking import (
    SPOOL_NAME,
    RunTracker,
    TrackingOptions,
    left_over,
    replay,
    resolve_uri,
    start_tracking,
    tracker,
    unsent,
)
from plx_train.tracking.left_over import send_all
from plx_train.tracking.store import open_client

STEPS = 120


@pytest.fixture
def proxy(server: int) -> Iterator[FaultyProxy]:
    found = FaultyProxy(server)
    yield found
    found.close()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVER_PATIENCE_SECONDS", "DATABASE_PATIENCE_SECONDS"):
        monkeypatch.setattr(tracker, name, 3.0)


def begin(output: Path, uri: str, said: list[str]) -> RunTracker:
    output.mkdir(exist_ok=True)
    options = TrackingOptions(uri=uri, system_metrics=False)
    return start_tracking(
        options, params={"lr": 0.1, "long": "x" * 9000}, tags={}, output=output, datasets=[], config_yaml="a: 1\n",
        warn=said.append,
    )  # fmt: skip


def log(record: RunTracker, first: int, last: int) -> None:
    """Steps like those of a training that never waits."""
    for step in range(first, last):
        started = time.perf_counter()
        record.log_metrics({"loss": 1 / (step + 1), "odd": math.nan if step == 7 else step}, step)
        assert time.perf_counter() - started < 0.2
        time.sleep(0.002)


def assert_whole(uri: str, run_id: str | None, steps: int = STEPS, status: str = "FINISHED") -> None:
    """The store holds what an undisturbed run would have left: each point once, and all the rest."""
    client = open_client(uri)
    run = client.get_run(run_id)
    for name, wanted in (
        ("loss", [(step, 1 / (step + 1)) for step in range(steps)]),
        ("odd", [(step, float(step)) for step in range(steps) if step != 7]),
    ):
        history = sorted((point.step, point.value) for point in client.get_metric_history(run_id, name))
        assert history == wanted, name
    assert run.info.status == status
    assert run.data.tags["nonfinite/odd"] == "nan at step 7"
    assert run.data.params == {"lr": "0.1", "long": "see artifact long_params.json"}
    assert {file.path for file in client.list_artifacts(run_id)} >= {"config.yaml", "long_params.json"}
    twins = client.search_runs([run.info.experiment_id], f"tags.`plx.token` = '{run.data.tags['plx.token']}'")
    assert len(twins) == 1, "a second run was made of the same record"


@pytest.mark.long
def test_a_server_of_two_seconds_an_answer(proxy: FaultyProxy, tmp_path: Path, said: list[str]) -> None:
    proxy.fault, proxy.seconds = "slow", 2.0
    record = begin(tmp_path / "r", proxy.uri, said)
    log(record, 0, STEPS)
    record.finish("FINISHED")
    assert record.unsent > 0
    assert f"mode=sync run={tmp_path / 'r'}" in said[-1]
    proxy.fault = None
    # What is under way may still arrive, in a process that would have ended by now.
    assert record._delivery is not None
    until(lambda: not record._delivery._thread.is_alive())
    assert replay(record.spool.path, proxy.uri).left == 0
    assert_whole(proxy.uri, replay(record.spool.path, proxy.uri).run_id)


@pytest.mark.long
@pytest.mark.parametrize("fault", ["refuse", "error", "cut"])
def test_a_server_that_is_down_at_the_start(
    fault: str, proxy: FaultyProxy, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine may need longer than the others are given.
    monkeypatch.setattr(tracker, "SERVER_PATIENCE_SECONDS", 30.0)
    proxy.fault = fault
    record = begin(tmp_path / "r", proxy.uri, said)
    log(record, 0, 60)
    until(lambda: bool(said))
    assert "the run goes on" in said[0]
    proxy.fault = None
    log(record, 60, STEPS)
    until(lambda: record.run_id is not None)
    until(lambda: record.unsent == 0)
    record.finish("FINISHED")
    assert record.unsent == 0
    assert "answers again" in said[-1]
    assert_whole(proxy.uri, record.run_id)


@pytest.mark.long
@pytest.mark.parametrize("fault", ["refuse", "error", "cut"])
def test_a_server_that_goes_down_in_the_middle_and_stays_down(
    fault: str, proxy: FaultyProxy, tmp_path: Path, said: list[str]
) -> None:
    record = begin(tmp_path / "r", proxy.uri, said)
    log(record, 0, 40)
    assert record.wait_until_connected(30)
    proxy.fault = fault
    log(record, 40, STEPS)
    assert_training_is_fast_meanwhile(record, proxy)
    record.finish("FINISHED")
    assert record.unsent > 0
    assert "did not reach MLflow" in said[-1]
    before = unsent(record.spool.path)
    assert not replay(record.spool.path, proxy.uri).sent or fault == "cut"
    assert unsent(record.spool.path) <= before
    proxy.fault = None
    done = replay(record.spool.path, proxy.uri)
    assert (done.left, done.run_id) == (0, record.run_id)
    assert_whole(proxy.uri, record.run_id)


def assert_training_is_fast_meanwhile(record: RunTracker, proxy: FaultyProxy) -> None:
    seen = proxy.requests
    until(lambda: proxy.requests > seen)
    assert record.seconds_logging < 0.5


def test_mode_sync_sends_what_waits_and_says_what_is_left(
    proxy: FaultyProxy, tmp_path: Path, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "r"
    proxy.fault = "error"
    record = begin(output, proxy.uri, said)
    log(record, 0, STEPS)
    record.finish("FINISHED")
    write_facts(output, sealed(output, {"status": "FINISHED", "tracking_uri": proxy.uri}))

    down = plx_train.run(["mode=sync", f"run={output}"])
    assert (down.exit_code, down.metrics["sent"]) == (1, 0)
    proxy.fault = None
    up = plx_train.run(["mode=sync", f"run={output}"])
    assert (up.exit_code, up.metrics["left"]) == (0, 0)
    assert up.metrics["sent"] == down.metrics["left"] > STEPS
    again = plx_train.run(["mode=sync", f"run={output}"])
    assert again.metrics == {"sent": 0, "left": 0}
    assert "nothing is unsent" in capsys.readouterr().out
    assert_whole(proxy.uri, replay(record.spool.path, proxy.uri).run_id)


def test_a_locked_database(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    uri = resolve_uri(None, tmp_path)
    open_client(uri)
    lock = sqlite3.connect(tmp_path / "mlflow.db", check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")
    record = begin(tmp_path / "r", uri, said)
    log(record, 0, STEPS)
    threading.Timer(3.0, lock.rollback).start()
    monkeypatch.setattr(tracker, "DATABASE_PATIENCE_SECONDS", 60.0)
    record.finish("FINISHED")
    lock.close()
    assert record.unsent == 0
    assert_whole(uri, record.run_id)


def test_the_disk_of_the_store_is_full(tmp_path: Path, said: list[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a file system")
    try:
        uri = resolve_uri(None, disk)
        open_client(uri)
        record = begin(tmp_path / "r", uri, said)
        log(record, 0, 40)
        assert record.wait_until_connected(30)
        full = disk / "full"
        fill(full)
        log(record, 40, STEPS)
        until(lambda: bool(said))
        record.finish("FINISHED")
        assert record.unsent > 0
        full.unlink()
        assert replay(record.spool.path, uri).left == 0
        assert_whole(uri, record.run_id)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"0" * 4096)
        except OSError:
            return


def test_a_run_that_goes_on_repeats_no_point(proxy: FaultyProxy, tmp_path: Path, said: list[str]) -> None:
    record = begin(tmp_path / "r", proxy.uri, said)
    log(record, 0, 80)
    record.finish("KILLED", "stopped by SIGTERM")
    again = resumed(tmp_path / "r", proxy.uri, said)
    assert again.wait_until_connected(30)
    log(again, 50, STEPS)
    again.finish("FINISHED")
    assert again.run_id == record.run_id
    assert_whole(proxy.uri, again.run_id)


def trial(folder: Path, uri: str, status: str, said: list[str]) -> RunTracker:
    """A run of a sweep that ended before its store had all of it."""
    folder.mkdir(parents=True)
    record = begin(folder, uri, said)
    log(record, 0, STEPS)
    record.finish(status, "0.5 at evaluation 1 is behind the other trials" if status == "KILLED" else None)
    write_facts(folder, {"status": "PRUNED" if status == "KILLED" else status, "tracking_uri": uri})
    return record


@pytest.mark.long
def test_a_sweep_sends_what_its_trials_left(
    proxy: FaultyProxy, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker, "SERVER_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(left_over, "IDLE_SECONDS", 1.0)
    proxy.fault, proxy.seconds = "slow", 0.5
    pruned, whole, living = (tmp_path / "trials" / name for name in ("000", "001", "002"))
    records = {folder: trial(folder, proxy.uri, status, said) for folder, status in (
        (pruned, "KILLED"), (whole, "FINISHED"), (living, "FINISHED"),
    )}  # fmt: skip
    proxy.fault = "error"
    down = send_all(tmp_path, proxy.uri, said.append, lambda: True)
    assert (down.runs, down.records) == (3, sum(unsent(record.spool.path) for record in records.values()))
    assert send_all(tmp_path, proxy.uri, said.append, lambda: False) == down
    assert f"{down.records} records of 3 runs have not reached MLflow yet" in said[-1]

    proxy.fault = None
    with closing(hold(living)):
        left = send_all(tmp_path, proxy.uri, said.append, lambda: True)
    assert (left.runs, left.records) == (1, unsent(records[living].spool.path)), "who goes on sends its own"
    for folder, status in ((pruned, "KILLED"), (whole, "FINISHED")):
        assert_whole(proxy.uri, replay(folder / SPOOL_NAME, proxy.uri).run_id, status=status)
    assert send_all(tmp_path, proxy.uri, said.append, lambda: True) == left_over.LeftOver(0, 0)


@pytest.mark.long
def test_a_run_goes_on_with_the_password_of_the_environment(
    proxy: FaultyProxy, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "{}")
    proxy.login = "me:a-password"
    record = begin(tmp_path / "r", proxy.uri.replace("http://", "http://me:a-password@"), said)
    log(record, 0, 60)
    assert record.wait_until_connected(30)
    record.finish("KILLED", "stopped by SIGTERM")
    assert record.uri == proxy.uri
    # Another process: it knows what the folder says, and no more.
    monkeypatch.setenv(VARIABLE, "{}")
    assert replay(record.spool.path, proxy.uri, said.append).left == unsent(record.spool.path)
    again = resumed(tmp_path / "r", proxy.uri, said)
    until(lambda: any("passwords are kept with no run" in text for text in said))
    log(again, 60, STEPS)
    again.finish("FINISHED")
    assert again.unsent > 0
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a-password")
    assert replay(record.spool.path, proxy.uri).left == 0
    assert_whole(proxy.uri, record.run_id)
    assert "a-password" not in "".join([*said, record.spool.path.read_text()])


def resumed(output: Path, uri: str, said: list[str]) -> RunTracker:
    options = TrackingOptions(uri=uri, system_metrics=False)
    return start_tracking(
        options, params={}, tags={}, output=output, datasets=[], config_yaml="", warn=said.append, resume=True
    )
