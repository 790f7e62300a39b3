"""Files that a run's record names are sent from the run's folder alone, whoever wrote the record."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plx_train.ground.confine import PathRefused
from plx_train.tracking.mlflow_writer import MlflowSink
from plx_train.tracking.receipts import check_dataset, refuse_place
from plx_train.tracking.spool import Cursor, Spool, all_entries
from plx_train.tracking.tracker import RunTracker
from plx_train.tracking.words import clean_text


class Store:
    """A store that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str | None]] = []

    def log_artifact(self, run_id: str, path: str, folder: str | None = None) -> None:
        self.sent.append((path, folder))

    log_artifacts = log_artifact

    def get_run(self, run_id: str) -> SimpleNamespace:
        return SimpleNamespace(info=SimpleNamespace(run_id=run_id))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "id_ed25519").write_text("PRIVATE KEY")
    run = tmp_path / "run"
    (run / "export").mkdir(parents=True)
    (run / "export" / "inference.yml").write_text("a: 1")
    (run / "report.html").write_text("<p>")
    return run


def sent(run: Path, *records: dict[str, Any]) -> tuple[list[tuple[str, str | None]], list[str]]:
    """What arrives of a record, and the warnings."""
    lines = [{"seq": number, "ms": 0, **record} for number, record in enumerate(records)]
    (run / "tracking.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    said: list[str] = []
    sink, store = MlflowSink("postgresql://nowhere/runs", said.append, run), Store()
    sink._client = store  # type: ignore[assignment]
    list(sink.deliver(list(all_entries(run / "tracking.jsonl")), Cursor(run_id="abc")))
    return store.sent, said


def artifact(path: str, folder: Any = None) -> dict[str, Any]:
    return {"kind": "artifact", "path": path, "folder": folder}


def test_what_lies_in_the_folder_is_sent_by_any_of_its_names(run: Path) -> None:
    arrived, said = sent(run, artifact("report.html"), artifact(str(run / "report.html")), artifact("export", "export"))
    assert [Path(path).name for path, _ in arrived] == ["report.html", "report.html", "export"]
    assert said == []


def test_what_lies_elsewhere_is_not_sent_and_the_rest_is(run: Path) -> None:
    secret = run.parent / "secrets"
    (run / "link").symlink_to(secret / "id_ed25519")
    (run / "folder").symlink_to(secret)
    (run / "export" / "inference.onnx").symlink_to(secret / "id_ed25519")
    named = [str(secret), str(secret / "id_ed25519"), "../secrets/id_ed25519", "link", "folder", "folder/id_ed25519"]
    arrived, said = sent(run, *map(artifact, [*named, "export", "/etc/passwd", "", "report.html"]))
    assert [Path(path).name for path, _ in arrived] == ["report.html"]
    assert len(said) == len(named) + 3


@pytest.mark.parametrize("folder", ["../../loot", "/loot", 7, "a/../../b"])
def test_a_place_in_the_store_is_below_the_run(run: Path, folder: Any) -> None:
    arrived, said = sent(run, artifact("report.html", folder), {"kind": "text", "name": "../../x", "text": "y"})
    assert arrived == []
    assert len(said) == 2


def test_a_run_names_its_files_by_their_place_in_its_folder(run: Path) -> None:
    tracker = RunTracker(run, None, print)
    tracker.log_artifact(run / "export" / "inference.yml", "export")
    tracker.spool.close()
    (entry,) = all_entries(run / "tracking.jsonl")
    assert entry.content["path"] == "export/inference.yml"


RUN_ID = "0f" * 16


def keeping_at(address: str) -> Any:
    """A client of a server that says it keeps the run's files at an address."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository = get_artifact_repository(address, tracking_uri="http://127.0.0.1:1")
    return SimpleNamespace(_tracking_client=SimpleNamespace(_get_artifact_repo=lambda run_id: repository))


@pytest.mark.parametrize("place", ["", "/artifacts", "/11111111111111111111111111111111/artifacts", f"/{RUN_ID}"])
def test_a_server_has_no_file_written_to_a_folder_of_this_machine(place: str, tmp_path: Path) -> None:
    with pytest.raises(PathRefused, match="of this machine: nothing is written there"):
        refuse_place(keeping_at(f"{tmp_path.as_uri()}{place}"), RUN_ID)


def test_a_shared_disk_and_a_server_that_keeps_files_are_places(tmp_path: Path) -> None:
    refuse_place(keeping_at(f"{tmp_path.as_uri()}/3/{RUN_ID}/artifacts"), RUN_ID)
    refuse_place(keeping_at("mlflow-artifacts:/0/0"), RUN_ID)


def test_a_dataset_whose_name_is_spelled_out_is_proven() -> None:
    name = "pages\u202e2"
    kept = SimpleNamespace(dataset=SimpleNamespace(name=clean_text(name), digest="ab"))
    run = SimpleNamespace(info=SimpleNamespace(run_id="abc"), inputs=SimpleNamespace(dataset_inputs=[kept]))
    client: Any = SimpleNamespace(get_run=lambda run_id: run)
    check_dataset(client, "abc", {"name": name, "digest": "ab"})


def test_places_stay_as_they_are_where_a_password_is_a_word_of_them(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "postgres")
    spool = Spool(run / "tracking.jsonl")
    told = {"uri": "postgresql://postgres@h/postgres", "tags": {"plx.output": "/home/postgres/runs"}}
    spool.append("run", told | {"name": "postgres"})
    spool.close()
    (entry,) = all_entries(run / "tracking.jsonl")
    assert entry.content == told | {"name": "***"}
