"""Requests about models: an export as one file, and nothing from elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from kit.promotion import make_export
from kit.studio_homes import new_home
from plx_train.studio.app import create_app
from plx_train.studio.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


@pytest.fixture
def client(home: Home) -> TestClient:
    make_export(home.outputs / "a" / "export")
    (home.outputs / "a" / "run.json").write_text(json.dumps({"status": "FINISHED", "overrides": ["module=text_det"]}))
    return TestClient(create_app(home))


def test_an_export_is_one_file(client: TestClient, home: Home) -> None:
    answer = client.get("/api/model/files", params={"name": "a"})

    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        kept = {name: archive.read(name) for name in archive.namelist()}
    folder = home.outputs / "a" / "export"
    assert kept == {f"export/{path.name}": path.read_bytes() for path in folder.iterdir()}


def test_files_that_lead_out_of_an_export_are_not_given(client: TestClient, home: Home, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (home.outputs / "a" / "export" / "link.yml").symlink_to(tmp_path / "secret")

    answer = client.get("/api/model/files", params={"name": "a"})

    assert answer.status_code == 400
    assert b"leads out" in answer.content or b"link" in answer.content


def test_other_folders_are_refused(client: TestClient) -> None:
    for name in ("..", "/etc", "b", ""):
        assert client.get("/api/model/files", params={"name": name}).status_code == 400
        assert client.get("/api/model", params={"name": name}).status_code == 400
    assert client.get("/api/model/files", params={"name": "a", "form": "int8"}).json() == {"error": "a has no int8"}


def test_models_are_told_without_a_registry(client: TestClient) -> None:
    assert [one["name"] for one in client.get("/api/models").json()["exports"]] == ["a"]
    told = client.get("/api/registry").json()
    assert not told["hasStore"]
    assert told["why"].startswith("nothing was recorded yet: outputs/mlflow.db is not there")
