"""A run of seconds, served by its command, asked by the studio and by the program that it shows, and stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.rooms import tiny_room
from kit.runs import train_room
from kit.studios import studio_in

pytestmark = pytest.mark.long


def until(told: Callable[[], dict[str, Any]], holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    ends = time.monotonic() + 120
    while not holds(found := told()):
        assert time.monotonic() < ends, found
        time.sleep(0.2)
    return found


def test_a_run_is_served_tried_and_stopped(tmp_path: Path) -> None:
    dataset = tiny_room("image_cls").make_dataset(tmp_path / "data")
    train_room("image_cls", dataset, tmp_path / "outputs" / "mine")

    with studio_in(tmp_path, f"studio.data=[{tmp_path}]") as studio:
        model = studio.get("/api/models")["exports"][0]
        place = next(one for one in studio.get("/api/model?name=mine")["places"] if one["registered"] == "image_cls")
        part = f"models.{place['part']}={model['folder']}"
        overrides = ["mode=serve", f"pipeline={place['pipeline']}", part, "serve.port=0", "device=cpu"]
        job = studio.post("/api/jobs", {"overrides": overrides, "title": "Serve"})["id"]
        until(lambda: studio.get(f"/api/servers/{job}/state"), lambda state: state["is_healthy"] is not None)

        # The server does not notice that the studio is killed, and the studio finds it again.
        studio.kill()
        studio.start()
        server = studio.get(f"/api/servers/{job}")
        assert Path(server["sample"]).is_relative_to(dataset)
        status, content = studio.request("GET", f"/api/servers/{job}/sample")
        headers = {**studio.headers(), "Content-Type": "application/octet-stream"}
        status, answer = studio.request("POST", f"/api/servers/{job}/try", content, headers)
        assert status == 200
        found = json.loads(answer)["result"]["categories"]
        assert {one["name"] for one in found} == {"red", "green", "blue"}
        done = subprocess.run([sys.executable, "-c", server["snippets"]["Python"]], capture_output=True, text=True)
        assert done.stdout.strip() == str(found), done.stderr
        assert studio.get(f"/api/servers/{job}/state")["answered"] == 2

        studio.post(f"/api/jobs/{job}/stop")
        until(lambda: studio.job(job), lambda each: each["state"] != "running")
        assert studio.get(f"/api/servers/{job}")["address"] is None
        status, answer = studio.request("POST", f"/api/servers/{job}/try", content, headers)
        assert (status, b"it does not listen" in answer) == (400, True)
