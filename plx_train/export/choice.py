"""Which engine is the quickest for an exported graph, as it was measured on this machine.

What ``mode=benchmark run=…`` measured stands beside ``inference.*``, not in them: proof and registry's hashes are about
what a model does, not how fast. What a trial found lies in the cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from plx_train.export.onnx_cache import graph_digest
from plx_train.ground.errors import UserError
from plx_train.ground.files import cache_folder, read_limited, replace_file
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
    try:
        _write(path, folder, quickest, figures)
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror or error}): copy the exported folder") from None
    return path


def remember_choice(folder: Path, threads: int, engine: str, milliseconds: Mapping[str, float]) -> None:
    """Keeps what a trial found in the cache, beside what others of this graph found; or nothing where it can't be."""
    path = _remembered(folder)
    quickest = _read(path, folder) | {threads: engine}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, folder, quickest, [{"threads": threads, "milliseconds": dict(milliseconds)}])


def chosen_engine(folder: Path, threads: int) -> str | None:
    """The engine that was the quickest with that many threads or nearly; None where it was not measured here.

    A measurement counts for this graph alone, and on a machine and with versions like those it was made with. What
    ``mode=benchmark`` measured counts before a trial in the cache.
    """
    measured = _read(folder / CHOICE_FILE, folder)
    if measured:
        return measured[min(measured, key=lambda number: abs(number - threads))]
    return _read(_remembered(folder), folder).get(threads)


def _remembered(folder: Path) -> Path:
    return cache_folder() / "engines" / f"{graph_digest(folder)[:32]}.json"


def _write(path: Path, folder: Path, quickest: Mapping[int, str], figures: list[dict[str, Any]]) -> None:
    content = {
        "graph": graph_digest(folder),
        "machine": asdict(this_machine()),
        "quickest": {str(threads): engine for threads, engine in quickest.items()},
        "figures": figures,
    }
    replace_file(path, json.dumps(content, indent=1))


def _read(path: Path, folder: Path) -> dict[int, str]:
    """The engines by threads in the file `path`; none where it is missing, damaged or not about this."""
    try:
        content = json.loads(read_limited(path, MOST_RECORD_BYTES))
        quickest = {int(number): str(engine) for number, engine in content["quickest"].items()}
        is_about_this = content["machine"] == asdict(this_machine()) and content["graph"] == graph_digest(folder)
        return quickest if is_about_this else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
