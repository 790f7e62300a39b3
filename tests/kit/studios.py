"""A studio as a process of its own, which can be killed and started again, and requests to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kit.processes import until
from plx_train.studio.job_guard import end

PACKAGE = Path(__file__).resolve().parents[2]


class StudioProcess:
    """A studio of the folder `root`."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self._options = options
        self.start()

    def start(self) -> None:
        """Starts it, at a new port."""
        command = [sys.executable, "-m", "plx_train", "studio", "studio.open=false", "studio.port=0", *self._options]
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout
        said = []
        for line in self._process.stdout:
            said.append(line)
            if "http://" in line:
                self.address = next(word for word in line.split() if word.startswith("http://"))
                return
        raise AssertionError("".join(said))

    @property
    def token(self) -> str:
        """That of its address."""
        return parse_qs(urlsplit(self.address).query)["token"][0]

    @property
    def place(self) -> str:
        """Host and port."""
        return urlsplit(self.address).netloc

    def headers(self) -> dict[str, str]:
        """What a page of its own sends."""
        port = self.place.rpartition(":")[2]
        return {"Cookie": f"plx_studio_{port}={self.token}", "Origin": f"http://{self.place}"}

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and content of an answer."""
        connection = http.client.HTTPConnection(self.place, timeout=60)
        try:
            connection.request(method, path, body, self.headers() if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """What it answers, as JSON."""
        status, content = self.request("GET", path)
        assert status == 200, content
        return json.loads(content)

    def post(self, path: str, body: Any = None, expected: int = 200) -> Any:
        """What it answers to JSON, as JSON."""
        headers = {**self.headers(), "Content-Type": "application/json"}
        status, content = self.request("POST", path, json.dumps(body or {}).encode(), headers)
        assert status == expected, content
        return json.loads(content)

    def job(self, name: str) -> dict[str, Any]:
        """A job as it is now."""
        found: dict[str, Any] = self.get(f"/api/jobs/{name}")
        return found

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kills it as a fault would."""
        self._end(signal.SIGKILL)

    def end(self) -> int:
        """Ends it as a user does; its exit code."""
        return self._end(signal.SIGINT)

    def _end(self, number: int) -> int:
        self._process.send_signal(number)
        code = self._process.wait(20)
        assert self._process.stdout
        self._process.stdout.close()
        return code


@contextmanager
def studio_in(root: Path, *options: str) -> Iterator[StudioProcess]:
    """A studio within the block; its jobs that still run are killed after it."""
    process = StudioProcess(root, *options)
    try:
        yield process
    finally:
        if process.is_alive:
            process.kill()
        for lock in (root / "studio" / "jobs").glob("*/job.lock"):
            if (leader := lock.read_text().strip()) and not (lock.parent / "ended.json").exists():
                end(int(leader), now=True)


def brought(studio: StudioProcess, root: Path, module: str) -> str:
    """The name of a folder's data that were brought into a studio, for a module."""
    name: str = studio.post("/api/data", {"root": str(root)})["name"]
    studio.post(f"/api/data/{name}/module", {"module": module})
    return name


def checked(studio: StudioProcess, name: str) -> dict[str, Any]:
    """Data after another check."""
    job = studio.post(f"/api/data/{name}/check")["id"]
    until(lambda: studio.job(job)["state"] in ("done", "failed"), 120)
    found: dict[str, Any] = studio.get(f"/api/data/{name}")
    return found
