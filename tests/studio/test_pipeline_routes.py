"""Requests about pipelines and servers: a file goes to the very server that was named, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from kit.fake_pipeline import FakePipeline
from kit.local_server import Running, serving
from kit.studio_homes import ended_job, job_folder, listening, new_home, running_job
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app as create_server
from plx_train.studio.app import create_app
from plx_train.studio.home import Home

SERVES = (
    "mode=serve",
    "pipeline=OCR",
    "models.TextDetection=outputs/a",
    "pipeline.text_det_thresh=0.4",
    "serve.port=0",
)
RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    options = ServeOptions()
    with serving(create_server(FakePipeline(), options), options) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


@pytest.fixture
def client(home: Home, server: Running) -> Iterator[TestClient]:
    with running_job(home, "one", SERVES, listening(server.address)):
        job_folder(home, "two", SERVES, "serving")
        ended_job(home, "three", SERVES, listening(server.address), lane="serving")
        ended_job(home, "four", ["mode=doctor"])
        yield TestClient(create_app(home))


def picture(grey: int) -> bytes:
    return cv2.imencode(".png", np.full((24, 24, 3), grey, np.uint8))[1].tobytes()


def test_a_file_is_tried_with_parameters(client: TestClient) -> None:
    fields = {"fields": json.dumps({"visualize": False, "textDetThresh": 0.3})}

    told = client.post("/api/servers/one/try", content=picture(200), params=fields, headers=RAW).json()

    assert told["result"]["ocrResults"][0]["prunedResult"]["rec_texts"] == ["200"]


@pytest.mark.parametrize(
    ("job", "content", "fields", "said"),
    [
        ("one", b"", "{}", "the file is empty"),
        ("one", b"x" * (24 << 20) + b"x", "{}", "more than 24 MiB"),
        ("one", b"x", "[1]", "no JSON object"),
        ("one", b"x", "{", "no JSON object"),
        ("two", b"x", "{}", "it does not listen"),
        ("three", b"x", "{}", "it does not listen"),
        ("four", b"x", "{}", "serves nothing"),
        ("five", b"x", "{}", "there is no job five"),
    ],
)
def test_what_can_not_be_tried_is_told(client: TestClient, job: str, content: bytes, fields: str, said: str) -> None:
    answer = client.post(f"/api/servers/{job}/try", content=content, params={"fields": fields}, headers=RAW)

    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_a_server_is_described_with_programs_that_ask_it(client: TestClient, server: Running) -> None:
    told = client.get("/api/servers/one").json()

    assert told["address"] == server.address
    assert told["models"] == {"TextDetection": "outputs/a"}
    assert told["defaults"] == {"text_det_thresh": "0.4"}
    assert Path(told["sample"]).is_file()
    assert all(server.address in text and told["sample"] in text for text in told["snippets"].values())
    sample = client.get("/api/servers/one/sample")
    assert sample.content == Path(told["sample"]).read_bytes()
    assert sample.headers["content-type"] == "application/octet-stream"
    assert client.get("/api/servers/two").json()["snippets"] is None


def test_servers_are_listed_with_their_state(client: TestClient, server: Running) -> None:
    listed = {one["id"]: one for one in client.get("/api/servers").json()["servers"]}

    assert {name: one["address"] for name, one in listed.items()} == {"one": server.address, "two": None, "three": None}
    assert client.get("/api/servers/one/state").json()["is_healthy"] is True
    assert client.get("/api/servers/two/state").json()["said"] == "4 are served at once: stop one of them"


def test_pipelines_are_saved_shown_and_removed(client: TestClient, home: Home) -> None:
    asked = {"name": "mine", "source": "OCR", "models": {"TextDetection": "outputs/a"}}

    source = client.post("/api/pipelines", json=asked).json()["source"]

    assert client.get("/api/pipelines").json()["pipelines"][0]["source"] == source
    assert client.post("/api/pipelines/remove", json={"source": source}).json() == {}
    assert not list(home.pipelines.iterdir())


def test_models_from_outside_are_refused(client: TestClient) -> None:
    for model in ("/etc", "../elsewhere"):
        asked = {"name": "mine", "source": "OCR", "models": {"TextDetection": model}}
        assert "lies outside of" in client.post("/api/pipelines", json=asked).json()["error"]
        for option in (f"models.TextDetection={model}", f"run={model}", f"pipeline={model}/p.yaml"):
            job = {"overrides": ["mode=serve", "pipeline=OCR", option], "title": "Serve"}
            assert "lies outside of" in client.post("/api/jobs", json=job).json()["error"]
