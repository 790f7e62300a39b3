"""Looks at where a run writes: folders, disk, cache, tracking."""

from __future__ import annotations

import base64
import os
import shutil
import sqlite3
import tempfile
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urlsplit

from plx_train.doctor.check import FAIL, OK, WARN, Check
from plx_train.ground.credentials import with_credentials, without_credentials
from plx_train.ground.files import cache_folder
from plx_train.tracking.store import database_path

SERVER_SECONDS = 3.0
LITTLE_DISK_MIB = 2048
LARGEST_CLOCK_SKEW_SECONDS = 5.0


def folder_check(name: str, folder: Path, key: str) -> Check:
    """Whether a file can be written to a folder, or to where it would be made."""
    try:
        with tempfile.NamedTemporaryFile(dir=_existing(folder), prefix=".plx-") as file:
            file.write(b"x")
    except OSError as error:
        return Check(name, FAIL, f"{folder} can't be written: {error.strerror or error}", f"give another: {key}")
    return Check(name, OK, f"{folder.absolute()} can be written")


def _existing(folder: Path) -> Path:
    """`folder`, or the nearest folder above it that is there."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())


def disk(output: Path) -> Check:
    free = shutil.disk_usage(_existing(output)).free >> 20
    little = free < LITTLE_DISK_MIB
    hint = "a run with checkpoints and export takes about 100 MiB: make room or give output=<folder>"
    return Check("disk", WARN if little else OK, f"{free} MiB free for outputs", hint if little else "")


def cache() -> Check:
    folder = cache_folder()
    check = folder_check("cache", folder, "PLX_TRAIN_CACHE=<folder>")
    weights = folder / "weights"
    names = sorted(path.name for path in weights.iterdir() if path.is_dir()) if weights.is_dir() else []
    if check.status != OK:
        return check
    return Check("cache", OK, f"{check.detail}; weights: {', '.join(names) or 'none yet'}")


def tracking(uri: str | None) -> Check:
    if uri is None:
        return Check("tracking", OK, "off")
    if uri.startswith(("http://", "https://")):
        return _server(uri)
    path = database_path(uri)
    if path is None:
        return Check("tracking", OK, f"{without_credentials(uri)}, not tried")
    if not path.exists():
        check = folder_check("tracking", path.parent, "tracking.uri=<address>, or tracking=off")
        return Check(check.name, check.status, f"{path} is made by the first run; {check.detail}", check.hint)
    hint = "give another: tracking.uri=<address>, or tracking=off"
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=SERVER_SECONDS)
        try:
            runs = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return Check("tracking", FAIL, f"{path} is no MLflow database that can be read: {error}", hint)
    if not os.access(path, os.W_OK):
        return Check("tracking", FAIL, f"{path} can be read but not written", hint)
    return Check("tracking", OK, f"{path}, {runs} runs")


def _server(uri: str) -> Check:
    shown = without_credentials(uri).rstrip("/")
    hint = "look at address, proxy and server; runs are kept in their folder until the server answers"
    started = time.perf_counter()
    try:
        with urllib.request.urlopen(_health_request(uri), timeout=SERVER_SECONDS) as answer:
            answer.read(16)
    except urllib.error.HTTPError as error:
        # A server that asks who is there does answer.
        if error.code in (401, 403):
            login = "MLFLOW_TRACKING_USERNAME=… and MLFLOW_TRACKING_PASSWORD=…"
            return Check("tracking", WARN, f"{shown} answers, but wants a login", login)
        return Check("tracking", FAIL, f"{shown} answers with HTTP {error.code}", hint)
    except (OSError, ValueError, HTTPException) as error:
        return Check("tracking", FAIL, f"{shown} can't be reached: {getattr(error, 'reason', error)}", hint)
    return Check("tracking", OK, f"{shown} answers within {1000 * (time.perf_counter() - started):.0f} ms")


def _health_request(uri: str) -> urllib.request.Request:
    """The address that says whether a server is well, with the login of `uri` or of MLflow's variables."""
    parts = urlsplit(with_credentials(uri))
    user = unquote(parts.username or "") or os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    password = unquote(parts.password or "") or os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    request = urllib.request.Request(f"{bare.rstrip('/')}/health")
    if user:
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
    return request


def clock(output: Path) -> Check:
    """A file server's clock against this machine's: records are ordered by time."""
    with tempfile.NamedTemporaryFile(dir=_existing(output), prefix=".plx-") as file:
        file.write(b"x")
        file.flush()
        skew = abs(Path(file.name).stat().st_mtime - time.time())
    detail = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    if skew > LARGEST_CLOCK_SKEW_SECONDS:
        return Check("clock", WARN, f"{detail}; files of output are stamped {skew:.0f} s off", "set the clocks")
    return Check("clock", OK, detail)
