"""A store's tables, read directly, say what MLflow says; whatever they are not known to be is left to it."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plx_train.ground.errors import UserError
from plx_train.registry import ledger
from plx_train.registry.access import registry_reader
from plx_train.registry.artifacts import local_path
from plx_train.registry.ledger import LedgerEntry
from plx_train.registry.versions import aliased_version, find_version
from plx_train.tracking import found_run
from plx_train.tracking.store import open_client, resolve_uri
from plx_train.tracking.tables import REVISIONS, Tables, open_tables

PLACES = [("text_det", "champion"), ("text_det", "other"), ("text_det", "none"), ("nobody", "champion"), ("a'b", "x")]
VERSIONS = [("text_det", "1"), ("text_det", "2"), ("text_det", "3"), ("text_det", "99"), ("nobody", "1")]


def _train(client: Any, folder: Path) -> None:
    """Runs that were trained: two of one name, a deleted one, one of a deleted experiment."""
    for number, name in enumerate(("night", "night", "gone", "elsewhere")):
        experiment = client.create_experiment(f"trained {number}", folder.as_uri())
        run = client.create_run(experiment, 100 + number, {"plx.output": f"{folder}/{number}"}, name).info.run_id
        client.log_param(run, "lr", "0.1")
        for step, value in enumerate((0.25, 1 / 3)):
            client.log_metric(run, "accuracy", value, step=step)
        client.log_metric(run, "loss", math.inf if number else -1e-300)
        client.set_terminated(run, "FINISHED" if number else "KILLED")
        if name == "gone":
            client.delete_run(run)
        if name == "elsewhere":
            client.delete_experiment(experiment)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a store with promotions, one of them deleted, versions, one of them deleted, and aliases."""
    folder = tmp_path_factory.mktemp("100% sto?re")
    uri = resolve_uri(None, folder)
    client = open_client(uri)
    client.create_registered_model("text_det", tags={"plx.x": "y"})
    for number in range(3):
        client.create_model_version(
            "text_det", f"file://{folder}/v{number}", tags={"plx.digest": "ü", "n": f"{number}"}
        )
    client.set_registered_model_alias("text_det", "champion", "2")
    client.set_registered_model_alias("text_det", "second", "2")
    client.set_registered_model_alias("text_det", "other", "1")
    client.delete_model_version("text_det", "3")
    for number in range(4):
        entry = LedgerEntry("promote", "text_det", "champion", "", f"{number}", "promoted", "me", "wörd 'quoted'")
        deleted = ledger.record(client, uri, entry)
    client.delete_run(deleted)
    experiment = ledger.ledger_experiment(client, uri)
    client.create_run(experiment, 5, {"plx.action": "delete", "plx.model": "m"})
    client.create_run(experiment, 5, {"plx.action": "delete", "plx.model": "m"})
    client.create_run(experiment, 4, {"of": "somebody else"})
    _train(client, folder)
    yield uri


@pytest.fixture
def copied(filled: str, tmp_path: Path) -> Path:
    """The database of a copy, to be changed."""
    (found,) = Path(filled.removeprefix("sqlite:///").replace("%25", "%").replace("%3F", "?")).parent.glob("*.db")
    return Path(shutil.copy(found, tmp_path / "mlflow.db"))


def test_the_tables_of_the_version_in_use_are_known(filled: str) -> None:
    """Where this fails MLflow's schema is a new one: look at what changed in the tables read, then name it."""
    from mlflow.store.db.utils import _get_latest_schema_revision

    assert _get_latest_schema_revision() in REVISIONS
    assert isinstance(registry_reader(filled), Tables)


@pytest.mark.parametrize("place", PLACES)
def test_an_alias_is_what_mlflow_says(filled: str, place: tuple[str, str]) -> None:
    tables, client = Tables(filled), open_client(filled)

    assert aliased_version(tables, *place) == aliased_version(client, *place)


@pytest.mark.parametrize("place", VERSIONS)
def test_a_version_is_what_mlflow_says(filled: str, place: tuple[str, str]) -> None:
    tables, client = Tables(filled), open_client(filled)
    found, expected = find_version(tables, *place), find_version(client, *place)

    assert found == expected
    assert (found is None) == (place in (VERSIONS[2], VERSIONS[3], VERSIONS[4]))


@pytest.mark.parametrize("model", [None, "text_det", "m", "nobody"])
def test_the_ledger_is_what_mlflow_says(filled: str, model: str | None) -> None:
    found = ledger.entries(Tables(filled), model)

    assert found == ledger.entries(open_client(filled), model)
    assert len(found) == {None: 5, "text_det": 3, "m": 2, "nobody": 0}[model]


def test_a_store_without_promotions_has_none(tmp_path: Path) -> None:
    uri = resolve_uri(None, tmp_path)
    open_client(uri)

    assert ledger.entries(Tables(uri)) == []


def _change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute(sql)


def test_a_store_of_another_schema_is_left_to_mlflow(copied: Path) -> None:
    assert open_tables(resolve_uri(str(copied))) is not None

    _change(copied, "UPDATE alembic_version SET version_num = 'bd07f7e963c5'")

    assert open_tables(resolve_uri(str(copied))) is None


@pytest.mark.parametrize("variable", ["MLFLOW_ENABLE_WORKSPACES", "MLFLOW_REGISTRY_URI"])
def test_what_leads_mlflow_elsewhere_is_left_to_it(copied: Path, monkeypatch: Any, variable: str) -> None:
    monkeypatch.setenv(variable, "true")

    assert open_tables(resolve_uri(str(copied))) is None


def test_what_is_no_database_is_left_to_mlflow(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_bytes(b"something else" * 100)

    assert open_tables(resolve_uri(str(tmp_path / "no.db"))) is None
    assert open_tables(resolve_uri(str(tmp_path / "nowhere.db"))) is None
    assert not (tmp_path / "nowhere.db").exists()
    assert open_tables("http://127.0.0.1:1") is None


def test_nothing_is_written(copied: Path) -> None:
    before = copied.read_bytes()
    tables = open_tables(resolve_uri(str(copied)))
    assert tables is not None
    ledger.entries(tables)
    aliased_version(tables, "text_det", "champion")

    assert copied.read_bytes() == before
    assert [path.name for path in copied.parent.iterdir()] == ["mlflow.db"]


@pytest.mark.parametrize(
    "source",
    ["file:///a/b", "file:///a%20b/%C3%BC", "file:/a/b", "file:///a%25b%3Fc", "file://localhost/a/b", "file:///a;b"],
)
def test_an_address_of_a_file_is_the_path_that_mlflow_takes_it_for(source: str) -> None:
    from mlflow.utils.file_utils import local_file_uri_to_path

    assert local_path(source) == Path(local_file_uri_to_path(source))


def _found(uri: str, text: str) -> Any:
    try:
        return found_run.find_run(uri, text)
    except UserError as error:
        return str(error)


def test_a_run_is_found_as_mlflow_finds_it(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = open_client(filled)
    every = [one for view in (1, 2) for one in client.search_runs(_experiments(client), "", run_view_type=view)]
    texts = [text for one in every for text in (one.info.run_id, one.info.run_id[:9], one.info.run_id[:3])]
    texts += ["night", "gone", "elsewhere", "nigh_", "a' OR 1=1", "promote text_det champion – → 1", ""]
    ours = {text: _found(filled, text) for text in texts}
    monkeypatch.setattr(found_run, "open_tables", lambda uri: None)

    assert ours == {text: _found(filled, text) for text in texts}
    whole = [found for found in ours.values() if not isinstance(found, str)]
    assert {len(found.metrics) for found in whole} == {2}
    assert len({found.run_id for found in whole}) == 2
    assert "fits several runs" in ours["night"]


def test_a_run_that_is_there_is_found_without_mlflow(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = open_client(filled)
    (run,) = client.search_runs(_experiments(client), "attributes.start_time = 100")

    def refuse(uri: str) -> Any:
        pytest.fail(f"{uri} was opened by MLflow")

    monkeypatch.setattr(found_run, "open_client", refuse)

    assert found_run.find_run(filled, run.info.run_id).status == "KILLED"


def _experiments(client: Any) -> list[str]:
    return [one.experiment_id for one in client.search_experiments(view_type=3)]
