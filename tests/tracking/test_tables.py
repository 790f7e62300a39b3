"""A store's tables, read directly, say what MLflow says; whatever they are not known to be is left to it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plx_train.registry import ledger
from plx_train.registry.access import registry_reader
from plx_train.registry.artifacts import local_path
from plx_train.registry.ledger import LedgerEntry
from plx_train.registry.versions import aliased_version, find_version
from plx_train.tracking.store import open_client, resolve_uri
from plx_train.tracking.tables import REVISIONS, Tables, open_tables

PLACES = [("text_det", "champion"), ("text_det", "other"), ("text_det", "none"), ("nobody", "champion"), ("a'b", "x")]
VERSIONS = [("text_det", "1"), ("text_det", "2"), ("text_det", "3"), ("text_det", "99"), ("nobody", "1")]


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
