"""Checkpoints: tensors in safetensors, state in JSON, a manifest of sha256 last; nothing is unpickled."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.errors import WeightsError

if TYPE_CHECKING:
    import paddle

MANIFEST = "manifest.json"


def save_checkpoint(folder: Path, tensors: dict[str, dict[str, Any]], state: dict[str, Any]) -> None:
    """Writes `folder` in one piece: under a temporary name, flushed to disk, then renamed over the old one.

    Args:
        tensors: per file (``network``, ``ema``, ``optimizer``) tensors by name, paddle or numpy.
        state: JSON-able loop state.
    """
    from safetensors.numpy import save

    temporary = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    digests = {}
    for name, group in tensors.items():
        arrays = {key: np.ascontiguousarray(np.asarray(value)) for key, value in group.items()}
        digests[f"{name}.safetensors"] = _write(temporary / f"{name}.safetensors", save(arrays))
    digests["state.json"] = _write(temporary / "state.json", json.dumps(state, indent=1).encode())
    _write(temporary / MANIFEST, json.dumps(digests, indent=1).encode())
    _replace_folder(temporary, folder)


def _write(path: Path, data: bytes) -> str:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


def _replace_folder(source: Path, target: Path) -> None:
    """A folder can't be renamed over a full one: the old one steps aside and goes last."""
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    source.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """Tensors by file and name, and the state.

    Raises:
        WeightsError: a file is missing or differs from the manifest.
    """
    from safetensors.numpy import load

    try:
        digests = json.loads((folder / MANIFEST).read_text())
        contents = {name: (folder / name).read_bytes() for name in digests}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder} is not a whole checkpoint: {error}") from None
    for name, digest in digests.items():
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise WeightsError(f"{folder / name} was damaged after it was written: its sha256 differs")
    state = json.loads(contents.pop("state.json"))
    return {name.removesuffix(".safetensors"): load(data) for name, data in contents.items()}, state


def is_checkpoint(folder: Path) -> bool:
    """Whether `folder` was written by `save_checkpoint`."""
    return (folder / MANIFEST).is_file() and (folder / "state.json").is_file()


def optimizer_tensors(optimizer: Any) -> dict[str, paddle.Tensor]:
    """The tensors of a paddle optimizer's state, by name."""
    return {name: value for name, value in optimizer.state_dict().items() if hasattr(value, "numpy")}
