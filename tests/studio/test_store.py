"""The store that a user names is where commands keep records; without one they are told nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from kit.studio_homes import new_home
from plx_train.ground.errors import UserError
from plx_train.studio.app import create_app
from plx_train.studio.home import Home
from plx_train.studio.store import record_page, set_store, store_of, with_store

SERVER = "http://mlflow.example:5000"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


def test_records_lie_beside_the_runs_unless_it_is_set(home: Home) -> None:
    assert store_of(home) == f"sqlite:///{home.outputs}/mlflow.db"
    assert with_store(home, ["mode=promote"]) == ["mode=promote"]

    set_store(home, SERVER)

    assert store_of(home) == SERVER
    assert with_store(home, ["mode=promote"]) == ["mode=promote", f"tracking.uri={SERVER}"]
    for own in ("tracking=off", "tracking.uri=http://other:1"):
        assert with_store(home, [own]) == [own]
    set_store(home, "")
    assert with_store(home, ["mode=promote"]) == ["mode=promote"]


def test_no_password_is_kept_and_no_other_store_taken(home: Home) -> None:
    for address, said in (("http://me:secret@mlflow:5000", "a password would lie"), ("ftp://x", "no address")):
        with pytest.raises(UserError, match=said):
            set_store(home, address)
    assert "store" not in home.settings()


def test_the_command_that_is_shown_is_the_one_that_runs(home: Home) -> None:
    client = TestClient(create_app(home))
    client.post("/api/settings", json={"slots": 1, "store": SERVER})

    shown = client.post("/api/command", json={"overrides": ["mode=doctor"]}).json()["command"]
    made = client.post("/api/jobs", json={"overrides": ["mode=doctor"], "title": "Doctor"}).json()["command"]

    assert shown == made == f"python -m plx_train mode=doctor tracking.uri={SERVER}"


@pytest.mark.parametrize(
    ("uri", "page"),
    [
        ("http://me:secret@mlflow:5000/", "http://mlflow:5000/#/runs/r1"),
        ("sqlite:////home/mlflow.db", None),
        (None, None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_run_has_a_page_where_a_server_has_its_record(uri: str | None, page: str | None) -> None:
    assert record_page({"tracking_uri": uri, "run_id": "r1"}) == page
