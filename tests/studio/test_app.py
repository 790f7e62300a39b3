"""The studio as a whole: its pages, its answers, and that a kill costs nothing."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kit.processes import until
from kit.studios import StudioProcess, studio_in


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    with studio_in(tmp_path_factory.mktemp("home")) as process:
        yield process


def test_pages_come_from_here_alone_and_run_nothing_else(studio: StudioProcess) -> None:
    status, content = studio.request("GET", "/")
    page = content.decode()
    assert status == 200 and "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    for name in ("app.js", "runs.js", "vendor/htm-preact-3.1.1.js", "studio.css"):
        assert studio.request("GET", f"/pages/{name}")[0] == 200
    for name in ("../app.py", "%2e%2e/app.py", "vendor/LICENSE", "nothing.js", "/etc/passwd"):
        assert studio.request("GET", f"/pages/{name}")[0] == 404
    assert studio.request("GET", "/", headers={})[0] == 401


def test_what_can_be_trained_is_told_by_the_presets(studio: StudioProcess) -> None:
    names = {one["name"] for one in studio.get("/api/modules")["modules"]}
    assert {path.stem for path in Path("conf/module").glob("*.yaml")} <= names
    form = studio.get("/api/form?module=text_det")
    assert form["first"][0]["key"] == "trainer.max_time" and form["first"][0]["title"] == "Time"
    assert 5 <= len(form["first"]) <= 8 and form["last"] is None
    assert {one["key"] for one in form["rest"]} >= {"optimizer.weight_decay", "trainer.ema_decay"}
    assert not any(one["key"].startswith(("serve.", "studio.", "output")) for one in form["rest"])


def test_a_command_is_told_with_what_is_wrong_with_it(studio: StudioProcess) -> None:
    told = studio.post("/api/command", {"overrides": ["module=text_det", "dataset.root=/my data"]})
    assert told == {"command": "python -m plx_train module=text_det 'dataset.root=/my data'", "error": None}
    told = studio.post("/api/command", {"overrides": ["module=text_det", "trainer.epoch=3"]})
    assert "did you mean 'trainer.epochs'" in told["error"]
    sweep = studio.post("/api/command", {"overrides": ["-m", "module=text_det", "optimizer.lr=1e-3,1e-4"]})
    assert sweep["error"] is None
    refused = studio.post("/api/jobs", {"overrides": ["module=text_det", "x=1"], "title": "x"}, expected=400)
    assert "x" in refused["error"]
    assert studio.get("/api/jobs")["jobs"] == []


@pytest.mark.parametrize("overrides", [["dataset.root=/etc"], ["output=../elsewhere"], ["output=/tmp/elsewhere"]])
def test_commands_stay_in_the_declared_folders(studio: StudioProcess, overrides: list[str]) -> None:
    told = studio.post("/api/jobs", {"overrides": ["module=text_det", *overrides], "title": "x"}, expected=400)
    assert "outside" in told["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"overrides": []}', b'{"overrides": ["a=1"]}', b"{" * 100_000])
def test_bodies_that_are_none_are_refused_in_a_sentence(studio: StudioProcess, body: bytes) -> None:
    headers = {**studio.headers(), "Content-Type": "application/json"}
    status, content = studio.request("POST", "/api/jobs", body, headers)
    assert status == 400 and json.loads(content)["error"]


def test_a_second_studio_of_the_folder_is_refused(studio: StudioProcess) -> None:
    with pytest.raises(AssertionError, match="in use by another studio"):
        StudioProcess(studio.root)


def test_a_killed_studio_knows_its_jobs_again(tmp_path: Path) -> None:
    with studio_in(tmp_path) as studio:
        one = studio.post("/api/jobs", {"overrides": ["mode=sync", "tracking=off"], "title": "Send"})
        token = studio.token
        studio.kill()
        studio.start()
        # A page that is open goes on: the token is the same.
        assert studio.token == token
        until(lambda: studio.job(one["id"])["state"] in ("done", "failed"))
        kinds = [event["kind"] for event in studio.get("/api/events")["events"]]
        assert kinds[-1] == "queued" and "started" in kinds
        assert studio.end() == 0


def test_what_changed_is_told_in_one_stream(studio: StudioProcess) -> None:
    connection = http.client.HTTPConnection(studio.place, timeout=20)
    connection.request("GET", "/api/changes", headers=studio.headers())
    stream = connection.getresponse()
    first = json.loads(stream.readline().removeprefix(b"data: "))
    studio.post("/api/jobs", {"overrides": ["mode=sync", "tracking=off"], "title": "Send"})
    stream.readline()
    assert json.loads(stream.readline().removeprefix(b"data: "))["jobs"] > first["jobs"]
    connection.close()


def test_nothing_is_left_open_after_a_hundred_reloads(studio: StudioProcess) -> None:
    process = psutil.Process(studio.pid)
    before = process.num_fds()
    for _ in range(100):
        connection = http.client.HTTPConnection(studio.place, timeout=20)
        connection.request("GET", "/api/changes", headers=studio.headers())
        connection.getresponse().readline()
        connection.close()
        assert studio.request("GET", "/")[0] == 200
    until(lambda: process.num_fds() <= before, f"{process.num_fds()} files are open, {before} were")
    assert len([one for one in process.net_connections() if one.status == psutil.CONN_LISTEN]) == 1
