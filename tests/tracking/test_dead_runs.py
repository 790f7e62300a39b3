"""A run that was killed without a word is closed by the next one; a living one is left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import plx_train
from plx_train.ground.errors import UserError
from plx_train.runs.facts import read_facts, write_facts
from plx_train.runs.lock import hold, is_held
from plx_train.tracking import SPOOL_NAME, RunRecord, TrackingOptions, dead_runs, find_run, resolve_uri, start_tracking
from plx_train.tracking.left_over import find_spools
from plx_train.tracking.machine import machine_tags
from plx_train.tracking.spool import all_entries
from plx_train.tracking.store import open_client

RUN = """
import sys, time
from pathlib import Path
from plx_train.runs.facts import write_facts
from plx_train.runs.lock import hold
from plx_train.runs.owner import sealed
from plx_train.tracking import TrackingOptions, start_tracking

output, uri = Path(sys.argv[1]), sys.argv[2]
output.mkdir()
lock = hold(output)
options = TrackingOptions(uri=uri, system_metrics=False)
record = start_tracking(options, params={}, tags={}, output=output, datasets=[], config_yaml="")
write_facts(output, sealed(output, {"status": "RUNNING", "tracking_uri": uri}))
assert record.wait_until_connected(60)
for step in range(5):
    record.log_metrics({"loss": 1.0}, step)
print(record.run_id, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    found = resolve_uri(None, tmp_path_factory.mktemp("store"))
    open_client(found)
    return found


class Other:
    """Another run, in a process of its own."""

    def __init__(self, output: Path, uri: str) -> None:
        self.output = output
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(output), uri], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.run_id = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def other(tmp_path: Path, uri: str) -> Iterator[Other]:
    found = Other(tmp_path / "other", uri)
    yield found
    found.kill()


def next_run(output: Path, uri: str) -> list[str]:
    """Any run on the same store, from start to end; what it said."""
    output.mkdir()
    said: list[str] = []
    options = TrackingOptions(uri=uri, system_metrics=False)
    record = start_tracking(options, params={}, tags={}, output=output, datasets=[], config_yaml="", warn=said.append)
    assert record.wait_until_connected(60)
    record.finish("FINISHED")
    assert find_run(uri, record.run_id or "").status == "FINISHED"
    return said


def record_of(other: Other, uri: str) -> RunRecord:
    return find_run(uri, other.run_id)


@pytest.mark.long
def test_a_killed_run_is_closed_by_the_next_one(other: Other, uri: str, tmp_path: Path) -> None:
    other.kill()
    assert record_of(other, uri).status == "RUNNING"

    said = next_run(tmp_path / "next", uri)

    closed = record_of(other, uri)
    assert closed.status == "KILLED"
    assert "without a word" in closed.tags["plx.ended_by"]
    assert any("is closed as KILLED" in text for text in said)
    facts = read_facts(other.output)
    assert (facts["status"], facts["reason"]) == ("KILLED", closed.tags["plx.ended_by"])
    entries = list(all_entries(other.output / SPOOL_NAME))
    assert entries[-1].kind == "finish"
    ended = open_client(uri).get_run(other.run_id).info.end_time
    assert ended == entries[-2].milliseconds, "it ended when it said its last word, not when it was found"
    assert next_run(tmp_path / "one_more", uri) == []


def test_a_living_run_is_left_alone(other: Other, uri: str, tmp_path: Path) -> None:
    assert next_run(tmp_path / "next", uri) == []
    assert record_of(other, uri).status == "RUNNING"
    assert read_facts(other.output)["status"] == "RUNNING"


@pytest.mark.long
def test_a_stopped_process_lives(other: Other, uri: str, tmp_path: Path) -> None:
    # Not in the middle of writing to the store: what is stopped there holds up everybody.
    time.sleep(2)
    other.process.send_signal(signal.SIGSTOP)
    assert next_run(tmp_path / "next", uri) == []
    assert record_of(other, uri).status == "RUNNING"


def test_a_run_of_a_machine_that_was_started_again_is_closed(
    other: Other, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.kill()
    (other.output / "run.lock").unlink()
    here = machine_tags()
    monkeypatch.setattr(dead_runs, "machine_tags", lambda: here | {"plx.boot": "a later start"})
    next_run(tmp_path / "next", uri)
    assert record_of(other, uri).status == "KILLED"


def test_another_store_gets_nothing_of_a_dead_run(
    other: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.kill()
    elsewhere = resolve_uri(None, tmp_path / "elsewhere")
    client = open_client(elsewhere)
    tags = machine_tags() | {"plx.output": str(other.output)}
    client.create_run("0", tags=tags, run_name="bait")
    monkeypatch.setattr(dead_runs, "is_folder_of", lambda folder, run_id: folder == other.output)
    assert any("bait is closed as KILLED" in text for text in next_run(tmp_path / "next", elsewhere))
    assert [run.info.run_name for run in client.search_runs(["0", "1"])].count("other") == 0
    assert read_facts(other.output)["status"] == "RUNNING"


@pytest.mark.long
def test_a_run_elsewhere_is_closed_only_once_its_heart_was_seen_still_for_long(
    other: Other, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine_tags()
    monkeypatch.setattr(dead_runs, "machine_tags", lambda: here | {"plx.machine": "another", "plx.boot": "another"})
    monkeypatch.setattr(dead_runs, "is_folder_of", lambda folder, run_id: False)
    other.kill()
    next_run(tmp_path / "first", uri)
    next_run(tmp_path / "second", uri)
    assert record_of(other, uri).status == "RUNNING", "it was seen twice within seconds, which proves nothing"
    now = time.time()
    monkeypatch.setattr(dead_runs.time, "time", lambda: now + dead_runs.SILENT_SECONDS + 60)
    next_run(tmp_path / "third", uri)
    assert record_of(other, uri).status == "KILLED"


def test_a_heart_that_beats_elsewhere_is_heard(
    other: Other, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine_tags()
    monkeypatch.setattr(dead_runs, "machine_tags", lambda: here | {"plx.machine": "another", "plx.boot": "another"})
    monkeypatch.setattr(dead_runs, "is_folder_of", lambda folder, run_id: False)
    next_run(tmp_path / "first", uri)
    open_client(uri).set_tag(other.run_id, dead_runs.HEARTBEAT_TAG, "2 12345")
    now = time.time()
    monkeypatch.setattr(dead_runs.time, "time", lambda: now + dead_runs.SILENT_SECONDS + 60)
    next_run(tmp_path / "second", uri)
    assert record_of(other, uri).status == "RUNNING"


def test_a_run_that_was_taken_for_dead_says_that_it_lives(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_runs, "BEAT_SECONDS", 0.5)
    options = TrackingOptions(uri=uri, system_metrics=False)
    record = start_tracking(options, params={}, tags={}, output=tmp_path, datasets=[], config_yaml="")
    assert record.wait_until_connected(60)
    open_client(uri).set_terminated(record.run_id, "KILLED")
    give_up = time.monotonic() + 20
    while find_run(uri, record.run_id or "").status != "RUNNING":
        assert time.monotonic() < give_up
        time.sleep(0.1)
    record.finish("FINISHED")
    assert find_run(uri, record.run_id or "").status == "FINISHED"


def test_mode_sync_closes_a_killed_run(other: Other, uri: str) -> None:
    other.kill()
    result = plx_train.run(["mode=sync", f"run={other.output}", "quiet=true"])
    assert (result.exit_code, result.metrics["left"]) == (0, 0)
    assert record_of(other, uri).status == "KILLED"
    assert read_facts(other.output)["status"] == "KILLED"


def test_records_are_looked_for_below_sweeps_and_not_in_what_runs_keep(tmp_path: Path) -> None:
    sweep = tmp_path / "sweeps" / "one"
    wanted = [tmp_path / "run" / SPOOL_NAME, sweep / SPOOL_NAME, sweep / "trials" / "000" / "tracking.1.jsonl"]
    others = [sweep / "export" / SPOOL_NAME, tmp_path / "mlartifacts" / "run" / SPOOL_NAME]
    for path in (*wanted, *others, tmp_path / "run" / "run.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    assert find_spools(tmp_path) == sorted(wanted)
    assert find_spools(wanted[0].parent) == wanted[:1]


def test_a_folder_is_held_by_one_and_free_when_he_is_gone(other: Other) -> None:
    assert is_held(other.output) is True
    with pytest.raises(UserError, match=rf"in use by a run that is going on \(process {other.process.pid} on "):
        hold(other.output)
    other.kill()
    assert is_held(other.output) is False
    hold(other.output).close()
    assert is_held(other.output / "nowhere") is None


def test_facts_are_replaced_in_one_piece(tmp_path: Path) -> None:
    write_facts(tmp_path, {"status": "RUNNING"})
    write_facts(tmp_path, {"status": "FINISHED"})
    assert read_facts(tmp_path) == {"status": "FINISHED"}
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(UserError, match="can't be read"):
        read_facts(tmp_path)
