"""A PostgreSQL server of the test's own: Debian's package, a data folder in /tmp, loopback, a password."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "s3cr3t/of:a@database%"
"""With all that an address has to write in another way."""
QUOTED = "s3cr3t%2Fof%3Aa%40database%25"
PROGRAMS = "/usr/lib/postgresql/*/bin"
QUICK = "fsync=off\nsynchronous_commit=off\nfull_page_writes=off\nshared_buffers=32MB\nmax_connections=200\n"


@dataclass(frozen=True)
class Postgres:
    """A server that listens at `port`."""

    folder: Path
    port: int

    @property
    def uri(self) -> str:
        """The driver is named: which one is the default depends on the version of SQLAlchemy."""
        return f"postgresql+psycopg2://plx:{QUOTED}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._control("start", "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        self._control("stop", "-m", mode)

    def _control(self, *words: str) -> None:
        run([program("pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "60", *words])


def program(name: str) -> str:
    """One of PostgreSQL's programs; skips the test where there is none."""
    beside = sorted(Path("/").glob(f"{PROGRAMS[1:]}/{name}"))
    found = str(beside[-1]) if beside else shutil.which(name)
    if found is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return found


def run(command: list[str]) -> None:
    """Runs a command of the server's, which refuses to be root."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if is_root else []
    done = subprocess.run([*nobody, *command], capture_output=True, text=True, check=False, cwd="/", timeout=120)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that asks for a password, gone with all that it has when the block ends; skips where it can't be."""
    if importlib.util.find_spec("psycopg2") is None:
        pytest.skip("psycopg2 is not installed: pip install psycopg2-binary")
    initdb = program("initdb")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL refuses to be root, and there is no setpriv")
    # Its own socket's name must be short, so not below pytest's folders, which only their owner may enter either.
    folder = Path(tempfile.mkdtemp(prefix="plx-pg-"))
    try:
        folder.chmod(0o777)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        run([initdb, "-D", str(folder / "data"), "-U", "plx", "--auth=scram-sha-256", f"--pwfile={secret}", "-N"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        settings = f"port={port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{folder}'\n{QUICK}"
        target = folder / "data" / "postgresql.auto.conf"
        mine = folder / "settings"
        mine.write_text(settings)
        mine.chmod(0o644)
        run(["cp", str(mine), str(target)])
        server = Postgres(folder, port)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        run(["rm", "-rf", str(folder / "data"), str(folder / "log")])
        shutil.rmtree(folder, ignore_errors=True)
