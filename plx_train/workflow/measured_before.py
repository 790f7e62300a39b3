"""What the evaluation of a run's initial weights depends on, so that one which was made before is found again."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.module import Module
from plx_train.contract.rooms import load_room
from plx_train.distributed import ranks
from plx_train.machine.determinism import determinism
from plx_train.machine.device import OpenDevice
from plx_train.machine.hardware import cpu
from plx_train.machine.paddle_build import installed_paddle
from plx_train.train.first_evaluation import FirstEvaluation

LIBRARIES = ("numpy", "opencv-python-headless", "opencv-python", "opencv-contrib-python", "Pillow", "pandas", "scipy")
"""Libraries beside Paddle that make inputs or read outputs."""
OF_LIBRARIES = ("FLAGS_", "DNNL_", "ONEDNN_", "MKL_", "OMP_", "KMP_", "OPENBLAS_", "CUBLAS_", "NVIDIA_")
"""Beginnings of the variables that decide how libraries compute."""
PACKAGE = Path(__file__).parents[1]
ELSEWHERE = ("root", "label_folder", "cache_mb", "name")
"""Options of a dataset that say where it lies or how it is held: what it holds is in its fingerprint."""


def first_evaluation(
    options: RunOptions, module: Module[Any], fingerprint: str | None, device: OpenDevice
) -> FirstEvaluation:
    """Where a run's first evaluation is remembered; nowhere where it may differ by chance, or is no network's alone.

    Args:
        fingerprint: of the dataset.
    """
    is_repeatable = determinism(options, device).level != "none"
    if not fingerprint or module.has_fit or not is_repeatable or ranks.num_ranks() > 1:
        return FirstEvaluation(None)
    dataset = {name: value for name, value in asdict(options.dataset).items() if name not in ELSEWHERE}
    key = {
        "kind": "first evaluation",
        "fingerprint": fingerprint,
        "dataset": dataset,
        # It draws the samples by which post-processing is calibrated.
        "seed": options.seed,
        "module": asdict(options.module),
        "is_fine_tuning": module.is_fine_tuning,
        "processor": asdict(module.processor),
        "device": [device.name, device.precision, device.threads, device.note],
        "machine": [cpu().model, *sorted(cpu().flags)],
        "versions": _versions(),
        "variables": {name: text for name, text in sorted(os.environ.items()) if name.startswith(OF_LIBRARIES)},
        "code": _code(PACKAGE) + _code(_room_folder(options.module.name)),
    }
    return FirstEvaluation({name: _digest(value) for name, value in key.items()})


def _room_folder(name: str) -> Path:
    """The folder of a room, which another package may have brought."""
    file = sys.modules[type(load_room(name)).__module__].__file__
    assert file is not None
    return Path(file).parent


def _versions() -> Mapping[str, str]:
    build = installed_paddle()
    found = {"paddle": build.sentence if build else ""}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def _code(folder: Path) -> str:
    """sha256 over a package's source files, of which none may change unseen."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _digest(value: Any) -> str:
    # Of its words in Python, as options hold what JSON has none for.
    return hashlib.sha256(repr(value).encode("utf-8", "surrogateescape")).hexdigest()
