"""Checkpoints: tensors in safetensors, state in JSON, a manifest of sha256 last; nothing is unpickled."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.confine import PathRefused, confined, plain_name
from plx_train.ground.errors import WeightsError
from plx_train.ground.files import read_limited
from plx_train.ground.parsed import parse_json
from plx_train.runs.folder import MANIFEST, MOST_RECORD_BYTES, STATE_FILE

MOST_TENSOR_BYTES = 1 << 40
"""The largest file of tensors; of JSON it is `MOST_RECORD_BYTES`."""
AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Parameters of Linux's renameat2."""


def save_checkpoint(
    folder: Path, tensors: dict[str, dict[str, Any]], state: dict[str, Any], texts: Mapping[str, str] | None = None
) -> None:
    """Writes `folder` in one piece: under a temporary name, flushed to disk, then renamed over the old one.

    Args:
        tensors: per file (``network``, ``ema``, ``optimizer``) tensors by name, paddle or numpy.
        state: JSON-able loop state.
        texts: further files by name.

    Raises:
        OSError: it can't be written; what was there before stays.
    """
    from safetensors.numpy import save

    temporary = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    digests = {}
    try:
        for name, group in tensors.items():
            arrays = {key: np.ascontiguousarray(np.asarray(value)) for key, value in group.items()}
            digests[f"{name}.safetensors"] = _write(temporary / f"{name}.safetensors", save(arrays))
        for name, text in (texts or {}).items():
            digests[name] = _write(temporary / name, text.encode())
        digests[STATE_FILE] = _write(temporary / STATE_FILE, json.dumps(state, indent=1).encode())
        _write(temporary / MANIFEST, json.dumps(digests, indent=1).encode())
        _flush_folder(temporary)
        _replace_folder(temporary, folder)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write(path: Path, data: bytes) -> str:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


def _flush_folder(folder: Path) -> None:
    """Has the folder's own entries on disk; Windows can't open a folder and does without."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace_folder(source: Path, target: Path) -> None:
    """Gives `source` the name `target`; where the system can't exchange two folders, the old one steps aside."""
    old = target.with_name(f"{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if not target.exists():
        source.rename(target)
    elif _exchange(source, target):
        source.rename(old)
    else:
        target.rename(old)
        source.rename(target)
    _flush_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchanges two folders in a single step, so that no moment is without either."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if os.name == "posix" else None
    if rename is None:
        return False
    return rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0


def load_checkpoint(folder: Path) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """Tensors by file and name, and the state.

    Raises:
        WeightsError: a file is missing, differs from the manifest, or is not what its name says.
    """
    try:
        digests = dict(parse_json(read_limited(folder / MANIFEST, MOST_RECORD_BYTES)))
        where = str(folder / MANIFEST)
        paths = {name: confined(folder, plain_name(name, where), where) for name in digests}
        contents = {name: read_limited(path, MOST_TENSOR_BYTES) for name, path in paths.items()}
    except (OSError, ValueError, TypeError, PathRefused) as error:
        raise WeightsError(f"{folder} is not a whole checkpoint: {error}") from None
    for name, digest in digests.items():
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise WeightsError(f"{folder / name} was damaged after it was written: its sha256 differs")
    if STATE_FILE not in contents:
        raise WeightsError(f"{folder} is not a whole checkpoint: its manifest lacks {STATE_FILE}")
    state = _state_in(contents[STATE_FILE], folder / STATE_FILE)
    suffix = ".safetensors"
    tensors = {name: read_tensors(data, folder / name) for name, data in contents.items() if name.endswith(suffix)}
    return {name.removesuffix(suffix): group for name, group in tensors.items()}, state


def read_tensors(data: bytes, path: Path) -> dict[str, np.ndarray]:
    """Tensors by name in the bytes of a safetensors file; `path` is for messages.

    Raises:
        WeightsError: they are none.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is damaged or no safetensors file ({str(error)[:80]})") from None


def _state_in(data: bytes, path: Path) -> dict[str, Any]:
    try:
        state = parse_json(data)
    except ValueError as error:
        raise WeightsError(f"{path} can't be read ({type(error).__name__})") from None
    return state if isinstance(state, dict) else {}


def load_state(folder: Path) -> dict[str, Any]:
    """The state alone, without looking at the tensors.

    Raises:
        WeightsError: it can't be read.
    """
    path = folder / STATE_FILE
    try:
        data = read_limited(path, MOST_RECORD_BYTES)
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({type(error).__name__})") from None
    return _state_in(data, path)


def is_checkpoint(folder: Path) -> bool:
    """Whether `folder` was written by `save_checkpoint`."""
    return (folder / MANIFEST).is_file() and (folder / STATE_FILE).is_file()


def clear_leftovers(folder: Path) -> None:
    """Removes what a killed process left half-written beside checkpoints, and brings back one that stepped aside."""
    for old in folder.glob("*.old"):
        target = old.with_suffix("")
        if not target.exists() and is_checkpoint(old):
            old.rename(target)
    for pattern in ("*.tmp", "*.old"):
        for path in folder.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)


def arrays(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Copies of paddle tensors by name; what is no tensor is left out."""
    return {name: np.array(value.numpy()) for name, value in tensors.items() if hasattr(value, "numpy")}
