"""Something answers in the server's place: no record counts as sent that the server has not got."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import plx_train
from kit.bad_answers import BAD_ANSWERS, BadAnswer
from kit.faulty_proxy import FaultyProxy
from kit.processes import until
from plx_train.ground.errors import UserError
from plx_train.runs.facts import write_facts
from plx_train.runs.owner import sealed
from plx_train.tracking import (
    RunTracker,
    TrackedDataset,
    TrackingOptions,
    answers,
    delivery,
    find_run,
    replay,
    start_tracking,
    tracker,
    unsent,
)
from plx_train.tracking.spool import cursor_path, load_cursor
from plx_train.tracking.store import open_client

STEPS = 40


@pytest.fixture
def proxy(server: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    monkeypatch.setattr(tracker, "SERVER_PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(delivery, "INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(delivery, "LARGEST_SHARE", 1.0)
    monkeypatch.setattr(delivery, "LONGEST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(answers, "MOST_BYTES", 1 << 22)
    found = FaultyProxy(server)
    yield found
    found.close()


def begin(output: Path, uri: str, said: list[str], resume: bool = False) -> RunTracker:
    (output / "export").mkdir(parents=True, exist_ok=True)
    (output / "export" / "inference.yml").write_text("a: 1\n")
    (output / "report.html").write_text("<p>")
    dataset = TrackedDataset("pages", "ab" * 32, "train", output, {"samples": 7})
    return start_tracking(
        TrackingOptions(uri=uri, system_metrics=False), params={"lr": 0.1}, tags={"host": "here"}, output=output,
        datasets=[dataset], config_yaml="a: 1\n", warn=said.append, resume=resume,
    )  # fmt: skip


def log(record: RunTracker, first: int, last: int) -> None:
    for step in range(first, last):
        record.log_metrics({"loss": 1 / (step + 1)}, step)
    record.set_tags({"best": last})


def end(record: RunTracker) -> None:
    record.log_artifact(record.output / "report.html", "pages")
    record.log_artifact(record.output / "export")
    record.finish("FINISHED")


def assert_whole(uri: str, run_id: str | None) -> None:
    """The store holds what an undisturbed run leaves."""
    client = open_client(uri)
    run = client.get_run(run_id)
    history = [(point.step, point.value) for point in client.get_metric_history(run_id, "loss")]
    assert sorted(history) == [(step, 1 / (step + 1)) for step in range(STEPS)]
    assert (run.info.status, run.data.params, run.data.tags["best"]) == ("FINISHED", {"lr": "0.1"}, str(STEPS))
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["pages"]
    sizes = {
        file.path: file.file_size
        for place in (None, "pages", "export")
        for file in client.list_artifacts(run_id, place)
    }
    assert sizes == {
        "config.yaml": 5, "pages": None, "pages/report.html": 3, "export": None, "export/inference.yml": 5
    }  # fmt: skip


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_nothing_counts_as_sent_to_what_is_no_server(name: str, proxy: FaultyProxy, tmp_path: Path) -> None:
    said: list[str] = []
    proxy.fault = BAD_ANSWERS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    record = begin(tmp_path / "r", proxy.uri, said)
    log(record, 0, STEPS)
    until(lambda: bool(said))
    end(record)
    waiting = record.unsent
    assert record.run_id is None
    assert waiting > STEPS
    assert "can't be written" in said[0]
    assert f"{waiting} records did not reach MLflow" in said[-1]
    assert f"mode=sync run={tmp_path / 'r'}" in said[-1]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kilobytes of an endless answer"

    assert replay(record.spool.path, proxy.uri).left == waiting
    proxy.fault = None
    assert replay(record.spool.path, proxy.uri).sent == waiting
    assert_whole(proxy.uri, load_cursor(cursor_path(record.spool.path)).run_id)


def test_mode_sync_is_not_deceived(proxy: FaultyProxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proxy.fault = BAD_ANSWERS["empty object"]
    record = begin(tmp_path / "r", proxy.uri, [])
    log(record, 0, STEPS)
    end(record)
    waiting = record.unsent
    write_facts(tmp_path / "r", sealed(tmp_path / "r", {"status": "FINISHED", "tracking_uri": proxy.uri}))
    still = plx_train.run(["mode=sync", f"run={tmp_path / 'r'}"])
    assert (still.exit_code, still.metrics) == (1, {"sent": 0.0, "left": waiting})
    proxy.fault = None
    real = plx_train.run(["mode=sync", f"run={tmp_path / 'r'}"])
    assert (real.exit_code, real.metrics) == (0, {"sent": waiting, "left": 0.0})
    assert_whole(proxy.uri, load_cursor(cursor_path(record.spool.path)).run_id)


@pytest.mark.parametrize("name", ["empty object", "other run", "page not found"])
def test_a_portal_that_appears_while_a_run_goes_on(name: str, proxy: FaultyProxy, tmp_path: Path) -> None:
    said: list[str] = []
    record = begin(tmp_path / "r", proxy.uri, said)
    log(record, 0, 10)
    until(lambda: record.run_id is not None and record.unsent == 0)
    proxy.fault = BAD_ANSWERS[name]
    log(record, 10, 20)
    until(lambda: bool(said))
    assert record.unsent >= 10
    proxy.fault = None
    log(record, 20, STEPS)
    until(lambda: record.unsent == 0)
    proxy.fault = BAD_ANSWERS[name]
    end(record)
    assert 0 < record.unsent <= 3, "the artifacts and the end"
    proxy.fault = None
    assert replay(record.spool.path, proxy.uri).left == 0
    assert_whole(proxy.uri, record.run_id)


WRITES = {
    "run": lambda method, path: path.endswith("runs/create"),
    "batch": lambda method, path: path.endswith("log-batch"),
    "tag": lambda method, path: path.endswith("set-tag"),
    "dataset": lambda method, path: path.endswith("log-inputs"),
    "end": lambda method, path: path.endswith("runs/update"),
    "artifact": lambda method, path: method == "PUT",
}


@pytest.mark.long
@pytest.mark.parametrize(("what", "name"), [*((one, "empty object") for one in WRITES), ("artifact", "page")])
def test_what_swallows_one_kind_of_record_is_noticed(what: str, name: str, proxy: FaultyProxy, tmp_path: Path) -> None:
    proxy.hits, proxy.fault = WRITES[what], BAD_ANSWERS[name]
    record = begin(tmp_path / "r", proxy.uri, [])
    log(record, 0, STEPS)
    time.sleep(0.3)
    if what == "tag":
        record.finish("KILLED", "stopped by SIGTERM")
        record = begin(tmp_path / "r", proxy.uri, [], resume=True)
    end(record)
    assert unsent(record.spool.path) > 0
    proxy.fault = None
    assert replay(record.spool.path, proxy.uri).left == 0
    assert_whole(proxy.uri, load_cursor(cursor_path(record.spool.path)).run_id)


def test_records_that_an_older_version_took_for_sent_are_sent(proxy: FaultyProxy, tmp_path: Path) -> None:
    proxy.fault = "refuse"
    record = begin(tmp_path / "r", proxy.uri, [])
    log(record, 0, STEPS)
    end(record)
    size = record.spool.path.stat().st_size
    cursor_path(record.spool.path).write_text(f'{{"offset": {size}, "run_id": "", "skipped": []}}')
    proxy.fault = None
    done = replay(record.spool.path, proxy.uri)
    assert (done.left, bool(done.run_id)) == (0, True)
    assert_whole(proxy.uri, done.run_id)


def test_records_are_not_taken_to_another_server(proxy: FaultyProxy, server: int, tmp_path: Path) -> None:
    other = FaultyProxy(server)
    place = {"Location": f"{other.uri}/api/2.0/mlflow/runs/log-batch"}
    proxy.fault = BadAnswer(307, headers=place)
    record = begin(tmp_path / "r", proxy.uri, [])
    log(record, 0, 5)
    record.finish("FINISHED")
    assert proxy.requests > 0 and other.requests == 0
    other.close()


@pytest.mark.parametrize("name", ["empty object", "page", "list", "other run"])
def test_a_run_that_is_looked_up_where_no_server_is(name: str, proxy: FaultyProxy) -> None:
    proxy.fault = BAD_ANSWERS[name]
    with pytest.raises(UserError, match="can't be looked up at http"):
        find_run(proxy.uri, "night-run")
