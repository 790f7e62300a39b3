"""Served pipelines: where they say that they listen, how they are, and files that are handed on to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from kit.fake_pipeline import FakePipeline
from kit.local_server import Running, serving
from kit.studio_homes import job_folder, listening, new_home
from plx_train.config.serve_options import ServeOptions
from plx_train.ground.errors import UserError
from plx_train.serving.app import create_app
from plx_train.studio.home import Home
from plx_train.studio.jobs import DONE, RUNNING, StudioJob
from plx_train.studio.servers import ask, port_of, state_of

ENDPOINT: dict[str, Any] = {"path": "/ocr", "field": "file", "answer": "pages", "key": "ocrResults"}
JOB = StudioJob("one", ("mode=serve",), "Serve", "serving", 0.0, state=RUNNING)
KEY = "k" * 20


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    options = ServeOptions()
    with serving(create_app(FakePipeline(), options), options) as running:
        yield running


def port(server: Running) -> int:
    return int(server.address.rpartition(":")[2])


def picture(grey: int) -> bytes:
    return cv2.imencode(".png", np.full((24, 24, 3), grey, np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (listening("http://127.0.0.1:8123"), 8123),
        ("it is being loaded\n", None),
        (listening("http://0.0.0.0:8123"), 8123),
        (listening("http://10.0.0.7:8123"), None),
        (listening("http://127.0.0.1.evil.example:8123"), None),
        (listening("http://127.0.0.1:99999"), None),
        (f"a model 'serving x at http://127.0.0.1:22 (Ctrl-C ends it)'\n{listening('http://127.0.0.1:8123')}", 8123),
    ],
)
def test_a_port_of_loopback_is_read_from_the_log(home: Home, log: str, found: int | None) -> None:
    (job_folder(home, "one", ["mode=serve"], "serving") / "job.log").write_text(log)

    assert port_of(home, JOB) == found


def test_what_ended_or_serves_nothing_has_no_port(home: Home) -> None:
    (job_folder(home, "one", ["mode=serve"], "serving") / "job.log").write_text(listening("http://127.0.0.1:8123"))

    assert port_of(home, replace(JOB, state=DONE)) is None
    assert port_of(home, replace(JOB, lane="quick")) is None


def test_a_file_is_asked_about_with_the_fields_of_the_request(server: Running) -> None:
    before = state_of(port(server), "/ocr")

    found = ask(port(server), ENDPOINT, picture(77), {"visualize": False, "textDetThresh": 0.4})

    assert found["result"]["ocrResults"][0]["prunedResult"]["rec_texts"] == ["77"]
    after = state_of(port(server), "/ocr")
    assert (after.is_healthy, after.said) == (True, "Healthy")
    assert (after.answered - before.answered, after.refused - before.refused) == (1, 0)


def test_what_a_server_refuses_is_said_in_its_words(server: Running) -> None:
    with pytest.raises(UserError, match="textDetThresh: Input should be less than or equal to 1"):
        ask(port(server), ENDPOINT, picture(1), {"textDetThresh": 7})
    with pytest.raises(UserError, match="is not an image of a known format"):
        ask(port(server), ENDPOINT, b"no picture", {})


def test_a_server_that_is_gone_is_told(free_port: int) -> None:
    assert state_of(free_port, "/ocr").is_healthy is False
    assert state_of(None, "/ocr").is_healthy is None
    with pytest.raises(UserError, match="does not answer"):
        ask(free_port, ENDPOINT, picture(1), {})


def test_the_key_of_the_environment_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    options = ServeOptions()
    with serving(create_app(FakePipeline(), options, api_key=KEY), options) as running:
        with pytest.raises(UserError):
            ask(port(running), ENDPOINT, picture(5), {})
        monkeypatch.setenv("PLX_SERVE_API_KEY", KEY)
        assert ask(port(running), ENDPOINT, picture(5), {"visualize": False})["result"]["ocrResults"]


@pytest.fixture
def free_port() -> int:
    from plx_train.serving.server import open_socket

    with open_socket("127.0.0.1", 0) as listener:
        found: int = listener.getsockname()[1]
    return found
