"""A real MLflow server in a process of its own."""

from __future__ import annotations

import os
import socket
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from kit.processes import until


class MlflowServer:
    """Starts and dies as often as it is told to, always at one port."""

    def __init__(self, uri: str, folder: Path, artifacts: str, environment: Mapping[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.uri = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        self._command += ["--workers", "1", "--backend-store-uri", uri, "--artifacts-destination", artifacts]
        self._log = folder / "log"
        self._environment = {**os.environ, **environment}
        self._process: psutil.Popen | None = None

    def start(self) -> None:
        """Returns when it answers."""
        with self._log.open("ab") as log:
            self._process = psutil.Popen(
                self._command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )
        until(lambda: _answers(self.port), "the server does not answer", seconds=120)

    def kill(self) -> None:
        """Ends it and all its children as a power cut would."""
        assert self._process is not None
        for child in [*self._process.children(recursive=True), self._process]:
            child.kill()
        self._process.wait()


@contextmanager
def mlflow_server(uri: str, folder: Path) -> Iterator[int]:
    """The port of a server in front of the store at `uri`, which keeps artifacts in `folder`."""
    with running_server(uri, folder, str(folder / "artifacts"), {}) as server:
        yield server.port


@contextmanager
def running_server(uri: str, folder: Path, artifacts: str, environment: Mapping[str, str]) -> Iterator[MlflowServer]:
    """A server in front of the store at `uri` that keeps artifacts at the address `artifacts`."""
    server = MlflowServer(uri, folder, artifacts, environment)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
