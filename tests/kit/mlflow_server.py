"""A real MLflow server in a process of its own."""

from __future__ import annotations

import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from kit.processes import until


@contextmanager
def mlflow_server(uri: str, folder: Path) -> Iterator[int]:
    """The port of a server in front of the store at `uri`, which keeps artifacts in `folder`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", uri, "--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("wb") as log:
        process = psutil.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: _answers(port), "the server does not answer", seconds=90)
        yield port
    finally:
        for child in [*process.children(recursive=True), process]:
            child.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
