"""An S3-style object store on loopback: moto's server in a process of its own."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from kit.processes import until

BUCKET = "artifacts"
PROGRAM = "import sys\nfrom moto.server import main\nsys.exit(main(sys.argv[1:]))"


@dataclass(frozen=True)
class ObjectStore:
    """Where it is, and what a program that uses it needs in its environment."""

    address: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "MLFLOW_S3_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "plx",
            "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-the-bucket",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """A store with one empty bucket, `BUCKET`; skips where it can't be."""
    for name in ("moto", "boto3", "flask_cors"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install 'moto[s3]' boto3")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-c", PROGRAM, "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _makes_bucket(address), "the object store does not answer", seconds=90)
        yield ObjectStore(address)
    finally:
        process.kill()
        process.wait()


def _makes_bucket(address: str) -> bool:
    request = urllib.request.Request(f"{address}/{BUCKET}", method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
