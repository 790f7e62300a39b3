"""An MLflow server on PostgreSQL with artifacts in an object store: runs at once, restarts under them, many runs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import plx_train
from kit.mlflow_server import MlflowServer, running_server
from kit.object_store import BUCKET, object_store
from kit.places import ROOT
from kit.postgres import PASSWORD, QUOTED, Postgres, postgres
from kit.processes import until
from plx_train.runs.facts import read_facts
from plx_train.tracking import RunTracker, TrackingOptions, find_run, start_tracking, unsent
from plx_train.tracking.left_over import send_all
from plx_train.tracking.spool import cursor_path, load_cursor
from plx_train.tracking.store import open_client

STEPS, RUNS, MANY = 90, 8, 200
TINY = (
    *("module=image_cls", "device=cpu", "module.network=PP-LCNet_x0_25", "weights=null", "module.size=[32,32]"),
    *("dataset.limit=16", "trainer.batch_size=16", "trainer.ema_decay=null", "trainer.epochs=2", "quiet=true"),
)


@dataclass(frozen=True)
class Site:
    database: Postgres
    server: MlflowServer


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as found:
        yield found


@pytest.fixture(scope="module")
def site(database: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with (
        object_store() as objects,
        running_server(database.uri, folder, f"s3://{BUCKET}/mlflow", objects.environment) as server,
    ):
        yield Site(database, server)


def begin(output: Path, uri: str) -> RunTracker:
    output.mkdir(parents=True)
    (output / "report.html").write_text("<p>")
    options = TrackingOptions(uri=uri, system_metrics=False)
    return start_tracking(
        options, params={"lr": 0.1}, tags={}, output=output, datasets=[], config_yaml="a: 1\n", warn=lambda _: None
    )


def log(record: RunTracker, first: int, last: int) -> None:
    for step in range(first, last):
        record.log_metrics({"loss": 1 / (step + 1), "step": step}, step)


def assert_whole(uri: str, run_id: str, steps: int) -> None:
    client = open_client(uri)
    run = client.get_run(run_id)
    assert (run.info.status, run.data.params) == ("FINISHED", {"lr": "0.1"})
    for name in ("loss", "step"):
        found = [(point.step, point.value) for point in client.get_metric_history(run_id, name)]
        assert sorted(found) == [(step, 1 / (step + 1) if name == "loss" else step) for step in range(steps)]
    assert {file.path: file.file_size for file in client.list_artifacts(run_id)} == {"config.yaml": 5, "report.html": 3}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_server_and_database_are_restarted_under_eight_runs(site: Site, tmp_path: Path) -> None:
    uri = site.server.uri
    records = [begin(tmp_path / str(number), uri) for number in range(RUNS)]
    for record in records:
        log(record, 0, 30)
    until(lambda: sum(record.run_id is not None for record in records) >= RUNS // 2, seconds=60)
    site.server.kill()
    for record in records:
        log(record, 30, 60)
    site.server.start()
    site.database.stop("immediate")
    for record in records:
        log(record, 60, STEPS)
    site.database.start()
    with ThreadPoolExecutor(RUNS) as pool:
        for record in records:
            record.log_artifact(record.output / "report.html")
            pool.submit(record.finish, "FINISHED")
    left = send_all(tmp_path, uri, lambda _: None, lambda: True)
    assert left.records == 0
    ids = {load_cursor(cursor_path(record.spool.path)).run_id for record in records}
    assert len(ids) == RUNS
    for run_id in ids:
        assert_whole(uri, str(run_id), STEPS)


def test_a_database_without_a_server_before_it(
    database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    (tmp_path / "r").mkdir()
    options = TrackingOptions(uri=database.uri, experiment="direct", system_metrics=False)
    record = start_tracking(
        options, params={"uri": database.uri}, tags={"uri": database.uri}, output=tmp_path / "r",
        datasets=[], config_yaml=f"uri: {database.uri}\n", warn=said.append,
    )  # fmt: skip
    log(record, 0, 5)
    record.finish("FAILED", f"{database.uri} is gone, said {PASSWORD}")
    assert (record.unsent, said) == (0, [])
    assert record.uri == f"postgresql+psycopg2://plx@127.0.0.1:{database.port}/postgres"
    assert find_run(record.uri, record.run_id or "").metrics["step"] == 4
    stored = subprocess.run(
        ["pg_dump", database.uri.replace("+psycopg2", "")], capture_output=True, text=True, check=True
    ).stdout
    written = [path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (PASSWORD, QUOTED):
        assert not any(secret in text for text in (stored, record.ui_command or "", *written))


@pytest.mark.long
def test_a_database_that_wants_another_password(database: Postgres, tmp_path: Path) -> None:
    said: list[str] = []
    wrong = database.uri.replace(QUOTED, "another-password")
    options = TrackingOptions(uri=wrong, system_metrics=False)
    record = start_tracking(options, params={}, tags={}, output=tmp_path, datasets=[], config_yaml="", warn=said.append)
    until(lambda: bool(said))
    record.finish("FINISHED")
    assert "password authentication failed" in said[0]
    assert "passwords are kept with no run" in said[0]
    assert not any("another-password" in text for text in said)


@pytest.mark.slow
def test_eight_trainings_at_once(site: Site, tmp_path: Path) -> None:
    uri = site.server.uri
    line = [sys.executable, "-m", "plx_train", *TINY, f"tracking.uri={uri}", "tracking.experiment=eight"]
    trainings = [
        subprocess.Popen([*line, f"output={tmp_path / str(number)}"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for number in range(RUNS)
    ]
    faults = [training.communicate(timeout=280)[1] for training in trainings]
    assert [training.returncode for training in trainings] == [0] * RUNS, faults
    # A store that eight runs end in at once may be too slow for what each waits at its end.
    assert send_all(tmp_path, uri, lambda _: None, lambda: True).records == 0
    for number in range(RUNS):
        folder = tmp_path / str(number)
        assert unsent(folder / "tracking.jsonl") == 0
        found = find_run(uri, read_facts(folder)["run_id"])
        assert found.status == "FINISHED"
        assert {file.path for file in open_client(uri).list_artifacts(found.run_id)} >= {"config.yaml", "report.html"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_server_and_database_are_restarted_under_trainings(site: Site, tmp_path: Path) -> None:
    uri = site.server.uri
    line = [sys.executable, "-m", "plx_train", *TINY, "trainer.epochs=40", "trainer.log_every_steps=1"]
    folders = [tmp_path / str(number) for number in range(RUNS // 2)]
    trainings = [
        subprocess.Popen(
            [*line, f"tracking.uri={uri}", f"output={folder}"], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for folder in folders
    ]
    until(lambda: all(_has_steps(folder) for folder in folders), seconds=300)
    is_under_way = [training.poll() is None for training in trainings]
    site.server.kill()
    time.sleep(2.0)
    site.server.start()
    site.database.stop("immediate")
    time.sleep(2.0)
    site.database.start()
    faults = [training.communicate(timeout=280)[1] for training in trainings]
    assert [training.returncode for training in trainings] == [0] * len(folders), faults
    assert any(is_under_way)
    assert send_all(tmp_path, uri, lambda _: None, lambda: True).records == 0
    client, losses = open_client(uri), []
    for folder in folders:
        found = find_run(uri, read_facts(folder)["run_id"])
        assert found.status == "FINISHED"
        losses.append([(point.step, point.value) for point in client.get_metric_history(found.run_id, "train/loss")])
    assert [step for step, _ in losses[0]] == list(range(1, 41))
    # Equal runs of one seed: what the restarts cost one of them would show.
    assert all(each == losses[0] for each in losses)


def _has_steps(folder: Path) -> bool:
    spool = folder / "tracking.jsonl"
    return spool.exists() and "train/loss" in spool.read_text("utf-8")


@pytest.mark.slow
def test_many_runs_make_nothing_slow(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri = site.server.uri
    client = open_client(uri)
    experiment = client.create_experiment("many")
    from mlflow.entities import Metric, Param, RunTag

    for number in range(MANY):
        run = client.create_run(experiment, run_name=f"many-{number}").info.run_id
        metrics = [Metric(f"m{key}", step, step, step) for key in range(20) for step in range(10)]
        params = [Param(f"p{key}", "x") for key in range(90)]
        client.log_batch(run, metrics, params, [RunTag("plx.output", str(tmp_path / str(number)))])
        client.set_terminated(run)
    took = {}
    for name, work in {
        "find a run by its name": lambda: find_run(uri, "many-7"),
        "history of promotions": lambda: plx_train.run(["mode=promote", "promote.history=true", f"tracking.uri={uri}"]),
        "a run from start to end": lambda: whole_run(tmp_path / "one", uri),
    }.items():
        started = time.perf_counter()
        work()
        took[name] = time.perf_counter() - started
    print({name: round(seconds, 2) for name, seconds in took.items()})
    assert max(took.values()) < 10, took


def whole_run(output: Path, uri: str) -> None:
    record = begin(output, uri)
    log(record, 0, STEPS)
    record.finish("FINISHED")
    assert record.unsent == 0
