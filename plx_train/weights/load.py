"""Fits weights to a network, and says how much of it they cover."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plx_train.checkpoint import is_checkpoint, load_checkpoint
from plx_train.errors import WeightsError
from plx_train.weights.fetch import Found, find_weights
from plx_train.weights.pdiparams import read_pdiparams
from plx_train.weights.pdparams import read_pdparams

if TYPE_CHECKING:
    import paddle

SHOWN = 4
STUDENT_PREFIXES = ("Student.", "student.", "Teacher.", "module.", "_layers.")
EXPORTED_NAMES = ((r"\.w$", ".lab.scale"), (r"\.b$", ".lab.bias"), (r"\.activation\.", ".act.lab."))
"""What exported programs call the affine blocks, and what the layers are called."""


@dataclass(frozen=True)
class Coverage:
    """How much of a network was loaded.

    Attributes:
        found: the weights.
        loaded: number of tensors taken over.
        total: of those the network has, without the ones published weights lack by design.
        initialised: names that keep their initial values by design.
        missing: names that keep them although weights were expected.
        unexpected: names in the weights that the network does not have.
    """

    found: Found
    loaded: int
    total: int
    initialised: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{self.found.name}: loaded {self.loaded}/{self.total} tensors from {self.found.origin}"
        if self.initialised:
            text += f" (+{len(self.initialised)} that start fresh by design: {_common_prefix(self.initialised)})"
        if self.missing:
            text += f"; missing: {', '.join(self.missing)}"
        return text


def load_weights(
    network: paddle.nn.Layer, source: str, allow_partial: bool = False, optional: Sequence[str] = ()
) -> Coverage:
    """Copies the weights called `source` into `network`.

    Args:
        source: a catalogue name, a file (``.pdparams``, ``.safetensors``), a checkpoint, a run's folder, or the folder
            of an old inference model.
        allow_partial: take what fits and keep the rest as it is.
        optional: regular expressions of parameter names that published weights lack by design.

    Raises:
        WeightsError: they can't be found or read, or don't cover the network.
    """
    found = find_weights(source)
    arrays = merge_branches(rename(read_weights(found.path)), network)
    own = network.state_dict()
    fitting = {name: array for name, array in arrays.items() if name in own and list(own[name].shape) == list(array.shape)}
    absent = [name for name in own if name not in fitting]
    by_design = [
        name for name in absent if name not in arrays and any(re.search(pattern, name) for pattern in optional)
    ]
    missing = [name for name in absent if name not in by_design]
    unexpected = [name for name in arrays if name not in own]
    if not fitting or (missing and not allow_partial):
        raise WeightsError(_uncovered(found, own, arrays, missing, len(fitting)))
    _copy(network, fitting)
    return Coverage(
        found, len(fitting), len(own) - len(by_design), tuple(by_design), tuple(missing), tuple(unexpected)
    )


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name of a file or folder in one of the known formats.

    Raises:
        WeightsError: the format is unknown, or the content damaged.
    """
    if path.is_dir():
        return _read_folder(path)
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path} can't be read: {error}") from None
    if path.suffix in (".pdmodel", ".pdiparams"):
        return read_pdiparams(path.parent, path.stem)
    return read_pdparams(path)


def _read_folder(folder: Path) -> dict[str, np.ndarray]:
    best = folder / "checkpoints" / "best"
    for checkpoint in (folder, best):
        if is_checkpoint(checkpoint):
            return load_checkpoint(checkpoint)[0]["network"]
    if (folder / "inference.pdmodel").is_file():
        return read_pdiparams(folder)
    files = sorted(folder.glob("*.pdparams"))
    if len(files) == 1:
        return read_pdparams(files[0])
    if (folder / "inference.json").is_file():
        raise WeightsError(
            f"{folder} is an exported folder, whose parameters have lost their names: give the run's folder, which "
            "holds checkpoints/best"
        )
    raise WeightsError(f"{folder} holds no weights: give a run's folder, a checkpoint or a .pdparams file")


def rename(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official names from those that wrappers and exported programs give."""
    renamed = {}
    for name, array in arrays.items():
        for prefix in STUDENT_PREFIXES:
            name = name.removeprefix(prefix)
        if name.startswith("backbone."):
            for pattern, replacement in EXPORTED_NAMES:
                name = re.sub(pattern, replacement, name)
        renamed[name] = array
    return renamed


def merge_branches(arrays: dict[str, np.ndarray], network: paddle.nn.Layer) -> dict[str, np.ndarray]:
    """Weights of a multi-branch network as those of `network`, where that has its branches merged."""
    if not getattr(network, "merged", False) or not any(".conv_kxk." in name for name in arrays):
        return arrays
    from plx_train.backbones.pp_lcnet_v3 import merge_arrays

    return merge_arrays(arrays)


def _uncovered(found: Found, own: dict, arrays: dict[str, np.ndarray], missing: list[str], fitting: int) -> str:
    first = missing[0] if missing else ""
    if first in arrays:
        reason = f"{first} has shape {list(arrays[first].shape)} there and {list(own[first].shape)} here"
    else:
        reason = f"{', '.join(missing[:SHOWN])}{' …' if len(missing) > SHOWN else ''} missing"
    is_merged = any(".reparam_conv." in name for name in arrays) and any(".conv_kxk." in name for name in own)
    hint = "these weights are of the merged network: set module.merged=true" if is_merged else (
        "give weights of this network, or take what fits with weights.allow_partial=true"
    )  # fmt: skip
    return f"{found.name} covers {fitting} of {len(own)} tensors ({reason}): {hint}"


def _copy(network: paddle.nn.Layer, arrays: dict[str, np.ndarray]) -> None:
    """Each tensor by itself: `set_state_dict` warns about every one that is not given."""
    for name, tensor in network.state_dict().items():
        if name in arrays:
            tensor.set_value(np.ascontiguousarray(arrays[name]).astype(str(tensor.dtype).rpartition(".")[2]))


def _common_prefix(names: Sequence[str]) -> str:
    stems = sorted({".".join(name.split(".")[:2]) for name in names})
    return ", ".join(stems[:SHOWN]) + (" …" if len(stems) > SHOWN else "")
