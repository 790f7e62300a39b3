"""Records of runs: what arrives in MLflow, what waits when it can't, and how a run is said to have ended."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.stop import StopRequest
from plx_train.tracking import (
    RunTracker,
    TrackedDataset,
    TrackingOptions,
    environment_tags,
    find_run,
    read_metrics,
    resolve_uri,
    start_tracking,
    tracked,
    tracker,
)
from plx_train.tracking.delivery import Delivery, Feed, first_line
from plx_train.tracking.mlflow_writer import METRICS_A_BATCH, batches
from plx_train.tracking.spool import Cursor, Spool, SpoolEntry, all_entries, load_cursor
from plx_train.tracking.words import clean_key


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all tests; making it takes seconds."""
    from plx_train.tracking.store import open_client

    uri = resolve_uri(None, tmp_path_factory.mktemp("outputs"))
    open_client(uri)
    return uri


def begin(output: Path, uri: str | None, **options: object) -> RunTracker:
    """A tracker with a few parameters and no system metrics."""
    output.mkdir(parents=True, exist_ok=True)
    chosen = TrackingOptions(**{"uri": uri, "system_metrics": False, **options})  # type: ignore[arg-type]
    params = {"optimizer.lr": 0.1, "resume": None}
    return start_tracking(chosen, params=params, tags={}, output=output, datasets=[], config_yaml="a: 1\n")


def artifact_names(uri: str, run_id: str) -> set[str]:
    from mlflow import MlflowClient

    return {file.path for file in MlflowClient(uri).list_artifacts(run_id)}


def test_run_arrives_whole(store: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    (tmp_path / "report.html").write_text("<p>")
    dataset = TrackedDataset("pages", "ab" * 32, "train", tmp_path, {"samples": 7})
    options = TrackingOptions(uri=store, experiment="whole", system_metrics=True, visualdl=True)
    record = start_tracking(
        options, params={"lr": 0.1, "ids": [0, 1], "resume": None, "ema": True}, tags={"host": "here"},
        output=tmp_path, datasets=[dataset], config_yaml="mode: train\n",
    )  # fmt: skip
    assert record.wait_until_connected(30)
    time.sleep(1.2)
    for step in range(1, 6):
        record.log_metrics({"train/loss": 1 / step, "val/hmean": step / 10}, step)
    record.log_artifact(tmp_path / "report.html", "pages")
    record.finish("FINISHED")

    assert record.unsent == 0
    client = MlflowClient(store)
    run = client.get_run(record.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"lr": "0.1", "ids": "[0, 1]", "resume": "null", "ema": "true"}
    history = client.get_metric_history(record.run_id, "train/loss")
    assert [(point.step, point.value) for point in history] == [(step, 1 / step) for step in range(1, 6)]
    assert run.data.tags["host"] == "here"
    assert run.data.metrics["system/process_memory_megabytes"] > 1
    assert artifact_names(store, record.run_id) == {"config.yaml", "pages"}
    (known,) = run.inputs.dataset_inputs
    assert (known.dataset.name, known.dataset.digest) == ("pages", "ab" * 16)
    assert {tag.key: tag.value for tag in known.tags} == {"mlflow.data.context": "train"}
    assert json.loads(known.dataset.profile) == {"samples": 7}
    assert record.run_url and record.run_id in record.run_url
    assert store in (record.ui_command or "")
    assert Path(run.info.artifact_uri.removeprefix("file://")).is_relative_to(Path(store[10:]).parent)
    assert list((tmp_path / "visualdl").iterdir())
    assert read_metrics(record.spool.path)["val/hmean"][-1] == (5, 0.5)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (None, "FINISHED"),
        (ValueError("shapes differ"), "FAILED"),
        (UserError("no such file"), "FAILED"),
        (SystemExit(3), "FAILED"),
        (SystemExit(0), "FINISHED"),
        (KeyboardInterrupt(), "KILLED"),
        ("SIGTERM", "KILLED"),
    ],
)
def test_status_is_true(fault: object, status: str, store: str, tmp_path: Path) -> None:
    record = begin(tmp_path, store)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with tracked(record), StopRequest().listening() as stop, stop.unmasked():
            if fault == "SIGTERM":
                os.kill(os.getpid(), signal.SIGTERM)
            elif isinstance(fault, BaseException):
                raise fault
    except BaseException as error:  # Ctrl-C and SystemExit as well
        assert fault in (error, "SIGTERM")
    else:
        assert fault is None
    assert signal.getsignal(signal.SIGTERM) is before
    run = find_run(store, record.run_id or "")
    assert run.status == status
    if status == "FAILED":
        assert str(fault) in run.tags["plx.ended_by"]
        assert "traceback.txt" in artifact_names(store, run.run_id)
    record.finish("FINISHED")
    assert find_run(store, run.run_id).status == status


def test_process_that_ends_early_is_failed(store: str, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from plx_train.tracking import *\n"
        f"options, output = TrackingOptions(uri={store!r}), Path({str(tmp_path)!r})\n"
        "t = start_tracking(options, params={}, tags={}, output=output, datasets=[], config_yaml='')\n"
        "assert t.wait_until_connected(30); t.log_metrics({'loss': 1.0}, 1); print(t.run_id); sys.exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    run = find_run(store, done.stdout.split()[0])
    assert (run.status, run.metrics["loss"]) == ("FAILED", 1.0)


def test_nonfinite_values_become_tags(store: str, tmp_path: Path) -> None:
    record = begin(tmp_path, store)
    record.log_metrics({"loss": 1.0, "norm": 2.0}, 11)
    record.log_metrics({"loss": math.inf, "norm": math.nan}, 12)
    record.log_metrics({"loss": math.inf, "norm": 3.0}, 13)
    record.finish("FINISHED")
    run = find_run(store, record.run_id or "")
    assert run.metrics == {"loss": 1.0, "norm": 3.0}
    assert run.tags["nonfinite/loss"] == "inf at step 12"
    assert run.tags["nonfinite/norm"] == "nan at step 12"


def test_long_and_many_params(store: str, tmp_path: Path) -> None:
    params = {f"p{index}": index for index in range(230)} | {"long": "x" * 9000, "odd key*": "y"}
    record = start_tracking(
        TrackingOptions(uri=store), params=params, tags={"long": "t" * 9000}, output=tmp_path, datasets=[],
        config_yaml="uri: postgresql://me:secret@host/runs\n",
    )  # fmt: skip
    record.finish("FINISHED")
    run = find_run(store, record.run_id or "")
    assert len(run.params) == 232
    assert run.params["long"] == "see artifact long_params.json"
    assert run.params["odd key_"] == "y"
    assert len(run.tags["long"]) == 8000
    folder = Path(store[10:]).parent / "mlartifacts/plx_train" / run.run_id / "artifacts"
    assert json.loads((folder / "long_params.json").read_text()) == {"long": "x" * 9000}
    assert "secret" not in (folder / "config.yaml").read_text()


def test_refused_record_holds_up_nothing(store: str, tmp_path: Path) -> None:
    said: list[str] = []
    record = start_tracking(
        TrackingOptions(uri=store),
        params={},
        tags={},
        output=tmp_path,
        datasets=[],
        config_yaml="",
        warn=said.append,
    )
    record.log_metrics({"fine": 1.0}, 1)
    record.log_metrics({"a/../b": 1.0}, 1)
    record.log_artifact(tmp_path / "nowhere")
    record.log_metrics({"later": 1.0}, 2)
    record.finish("FINISHED")
    run = find_run(store, record.run_id or "")
    assert (run.status, run.metrics) == ("FINISHED", {"fine": 1.0, "later": 1.0})
    assert record.unsent == 2
    assert any("nowhere" in text for text in said)


def test_find_run(store: str, tmp_path: Path) -> None:
    record = begin(tmp_path / "night-run", store)
    record.finish("FINISHED")
    run_id = record.run_id or ""
    assert find_run(store, run_id).output == tmp_path / "night-run"
    assert find_run(store, run_id[:12]).run_id == run_id
    assert find_run(store, "night-run").run_id == run_id
    with pytest.raises(UserError, match=f"did you mean {run_id}"):
        find_run(store, "night-rum")
    with pytest.raises(UserError, match="does not exist"):
        find_run(store, "x' OR 1=1")
    with pytest.raises(UserError, match="nothing is recorded at"):
        find_run(f"sqlite:///{tmp_path}/none.db", run_id)
    begin(tmp_path / "other/night-run", store).finish("FINISHED")
    with pytest.raises(UserError, match="fits several runs"):
        find_run(store, "night-run")


def assert_training_is_not_held_up(record: RunTracker) -> None:
    slowest = 0.0
    for step in range(300):
        started = time.perf_counter()
        record.log_metrics({"loss": 1.0, "lr": 0.1}, step)
        slowest = max(slowest, time.perf_counter() - started)
    assert slowest < 0.2
    assert 0 < record.seconds_logging < 0.5


@pytest.mark.parametrize("server", ["refuses", "hangs"])
def test_dead_server_stops_nothing(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setattr(tracker, "SERVER_PATIENCE_SECONDS", 0.5)
    said: list[str] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = 9 if server == "refuses" else listener.getsockname()[1]
        record = start_tracking(
            TrackingOptions(uri=f"http://127.0.0.1:{port}"), params={}, tags={}, output=tmp_path, datasets=[],
            config_yaml="", warn=said.append,
        )  # fmt: skip
        assert_training_is_not_held_up(record)
        record.log_artifact(tmp_path / "tracking.jsonl")
        started = time.perf_counter()
        record.finish("FINISHED")
        assert time.perf_counter() - started < 8
    assert record.run_id is None
    assert record.unsent >= 302
    assert any("did not reach MLflow" in text for text in said)
    assert server == "hangs" or any("(connection refused)" in text for text in said)
    assert [entry.kind for entry in all_entries(record.spool.path)][-2:] == ["artifact", "finish"]
    assert len(read_metrics(record.spool.path)["loss"]) == 300


class Flaky:
    """A sink that is down until told otherwise."""

    name = "Flaky"

    def __init__(self) -> None:
        self.is_up = threading.Event()
        self.got: list[int] = []

    def deliver(self, entries: list[SpoolEntry], cursor: Cursor):
        for entry in entries:
            if not self.is_up.is_set():
                raise ConnectionError("down")
            self.got.append(entry.sequence)
            yield entry.end


def test_what_waited_is_sent_once_and_in_order(tmp_path: Path) -> None:
    said: list[str] = []
    spool, sink = Spool(tmp_path / "tracking.jsonl"), Flaky()
    feed = Feed(sink, spool.path, load_cursor(tmp_path / "sent.json"), said.append)
    for number in range(5):
        spool.append("metrics", {"step": number, "values": {}})
    assert not feed.pump(may_pause=False)
    sink.is_up.set()
    assert feed.pump(may_pause=False)
    spool.append("metrics", {"step": 5, "values": {}})
    delivery = Delivery([feed], spool.sync, lambda: None)
    delivery.close(5)
    assert sink.got == [0, 1, 2, 3, 4, 5]
    assert len(said) == 2 and "down" in said[0] and "answers again" in said[1]
    assert load_cursor(tmp_path / "sent.json").offset == spool.path.stat().st_size


def test_spool_survives_torn_lines_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "tracking.jsonl"
    first = Spool(path)
    first.append("metrics", {"step": 1, "values": {"loss": 2.0}})
    first.close()
    with path.open("ab") as file:
        file.write(b"no json\n" + b'{"seq":9,"ms":1,"kind":"metrics","step":2,"values":{"loss":1.0}}\n{"seq":')
    assert read_metrics(path) == {"loss": [(1, 2.0), (2, 1.0)]}
    Spool(path)
    assert read_metrics(path) == {}
    assert read_metrics(tmp_path / "tracking.1.jsonl") == {"loss": [(1, 2.0), (2, 1.0)]}


def test_spool_reads_in_bounded_pieces(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "tracking.jsonl")
    for number in range(5000):
        spool.append("text", {"name": "x" * 100, "text": str(number)})
    assert [int(entry.content["text"]) for entry in all_entries(spool.path)] == list(range(5000))


def test_batches_stay_within_limits() -> None:
    entries = [
        SpoolEntry(n, 0, "metrics", {"step": n, "values": {f"m{k}": 0.0 for k in range(7)}}, n) for n in range(400)
    ]
    entries.insert(5, SpoolEntry(5, 0, "artifact", {}, 5))
    groups = list(batches(entries))
    assert [entry for group in groups for entry in group] == entries
    assert max(sum(len(entry.content.get("values", ())) for entry in group) for group in groups) <= METRICS_A_BATCH
    assert len(groups) == 2 + -(-(395 * 7) // 994)


def test_keys_are_made_fit_for_mlflow() -> None:
    assert clean_key("lr/backbone.*") == "lr/backbone._"
    assert clean_key("größe") == "gr__e"


def test_uri(tmp_path: Path) -> None:
    assert resolve_uri(None, tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    assert resolve_uri("sqlite:///runs.db", tmp_path) == f"sqlite:///{Path.cwd()}/runs.db"
    assert resolve_uri("/data/runs.db", tmp_path) == "sqlite:////data/runs.db"
    assert resolve_uri("postgresql+psycopg2://host/runs", tmp_path) == "postgresql+psycopg2://host/runs"
    for wrong in ("htp://host", "mlruns", "file:///data/mlruns"):
        with pytest.raises(ConfigError, match="no address"):
            resolve_uri(wrong, tmp_path)


def test_tracking_off_keeps_the_metrics_in_the_folder(tmp_path: Path) -> None:
    record = begin(tmp_path, None, backend="off")
    record.log_metrics({"loss": 1.0}, 1)
    record.finish("FINISHED")
    assert (record.run_id, record.uri, record.ui_command, record.run_url, record.unsent) == (None,) * 4 + (0,)
    assert read_metrics(record.spool.path) == {"loss": [(1, 1.0)]}


def test_environment_tags(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@x"]
    (tmp_path / "a.txt").write_text("1")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    tags = environment_tags(tmp_path)
    assert len(tags["git.commit"]) == 40 and tags["git.dirty"] == "false"
    assert {"host", "version.python", "version.numpy", "version.plx_train"} <= set(tags)
    (tmp_path / "a.txt").write_text("2")
    assert environment_tags(tmp_path)["git.dirty"] == "true"
    (tmp_path / ".git").rename(tmp_path / "gone")
    assert "git.commit" not in environment_tags(tmp_path)


def test_import_is_light() -> None:
    heavy = ("mlflow", "paddle", "visualdl")
    script = f"import sys, plx_train.tracking; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_eight_runs_start_at_once_on_a_fresh_store(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from plx_train.tracking import *\n"
        "out = Path(sys.argv[2]); out.mkdir()\n"
        "t = start_tracking(TrackingOptions(uri=sys.argv[1]), params={}, tags={}, output=out, datasets=[],\n"
        "    config_yaml='')\n"
        "t.log_metrics({'loss': 1.0}, 1); t.finish('FINISHED'); print(t.run_id, t.unsent)"
    )
    uri = resolve_uri(None, tmp_path)
    jobs = [
        subprocess.Popen([sys.executable, "-c", script, uri, str(tmp_path / str(number))], stdout=subprocess.PIPE)
        for number in range(8)
    ]
    answers = [job.communicate(timeout=150)[0].decode().split() for job in jobs]
    assert [job.returncode for job in jobs] == [0] * 8
    assert [find_run(uri, run_id).status for run_id, _ in answers] == ["FINISHED"] * 8
    assert [unsent for _, unsent in answers] == ["0"] * 8


@pytest.mark.parametrize("before", range(150, 201, 7))
def test_a_long_error_is_cut_where_no_password_is(before: int) -> None:
    said = first_line(ValueError(f"{'x' * before} postgresql+psycopg2://me:Tr0ub4dor-and-3@db.example/runs is gone"))
    assert "Tr0u" not in said and len(said) <= 201
