"""Which engine is the quickest for an exported graph, as ``mode=benchmark run=…`` measured it on this machine.

It stands beside ``inference.*``, not in them: proof and registry's hashes are about what a model does, not how fast.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from plx_train.export.onnx_cache import graph_digest
from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited, replace_file
from plx_train.machine.hardware import cpu, usable_cores
from plx_train.runs.folder import CHOICE_FILE, MOST_RECORD_BYTES

PACKAGES = ("paddlepaddle", "onnxruntime", "openvino")


@dataclass(frozen=True)
class MeasuredMachine:
    """What a measurement holds for.

    Attributes:
        cpu: the processor's model.
        cores: that the process may use.
        versions: of the packages that run graphs; None where one is not installed.
    """

    cpu: str
    cores: int
    versions: dict[str, str | None]


def this_machine() -> MeasuredMachine:
    """The machine that this process runs on."""
    return MeasuredMachine(cpu().model, usable_cores(), {name: _version(name) for name in PACKAGES})


def write_choice(folder: Path, quickest: Mapping[int, str], figures: list[dict[str, Any]]) -> Path:
    """
    Args:
        quickest: engine by the threads of one call.
        figures: what was measured, for people.

    Raises:
        UserError: `folder` can't be written to.
    """
    path = folder / CHOICE_FILE
    content = {
        "graph": graph_digest(folder),
        "machine": asdict(this_machine()),
        "quickest": {str(threads): engine for threads, engine in quickest.items()},
        "figures": figures,
    }
    try:
        replace_file(path, json.dumps(content, indent=1))
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror or error}): copy the exported folder") from None
    return path


def chosen_engine(folder: Path, threads: int) -> str | None:
    """The engine that was the quickest with that many threads or nearly; None where it was not measured here.

    A measurement counts for this graph alone, and on a machine and with versions like those it was made with.
    """
    try:
        content = json.loads(read_limited(folder / CHOICE_FILE, MOST_RECORD_BYTES))
        quickest = {int(number): str(engine) for number, engine in content["quickest"].items()}
        if not quickest or content["machine"] != asdict(this_machine()) or content["graph"] != graph_digest(folder):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return quickest[min(quickest, key=lambda number: abs(number - threads))]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
