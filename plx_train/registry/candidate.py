"""What an exported folder says of itself: module, measurement, proof, hashes."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plx_train.ground.errors import UserError
from plx_train.ground.files import sha256
from plx_train.ground.parsed import parse_json
from plx_train.metrics.direction import HIGHER, Better, recorded
from plx_train.runs.exported import (
    file_hashes,
    files_named,
    graph_files,
    is_onnx_only,
    lineage,
    model_name,
    read_inference,
)
from plx_train.runs.folder import PARAMETERS_FILE, PARITY_FILE


@dataclass(frozen=True)
class Measurement:
    """A monitored metric, and what it was taken on.

    Attributes:
        metric: its name, for example ``hmean``.
        fingerprint: of the dataset.
        num_samples: how many of its samples were used; a run may take but some.
    """

    metric: str
    value: float
    fingerprint: str
    num_samples: int

    @property
    def key(self) -> str:
        """Tells measurements apart that can't be compared."""
        return f"{self.metric}.{self.fingerprint[:32]}.{self.num_samples}"

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Candidate:
    """An exported folder that is to be promoted.

    Attributes:
        run_id: MLflow's id of the run that made it, where that is known.
        hashes: sha256 of its files, the parity report among them.
        measurement: of its parity report, which was made by the evaluator of training; None where there is none.
        better: which values of the measured metric are.
        parity_fault: why its parity report does not count; None where it does.
        parity: the report's own sentence.
        weights: what it was exported from where no run made it, a published name for example.
    """

    folder: Path
    module: str
    model_name: str
    run_id: str | None
    hashes: dict[str, str]
    measurement: Measurement | None
    better: Better
    parity_fault: str | None
    parity: str
    weights: str | None = None

    @property
    def digest(self) -> str:
        """One sha256 for all files."""
        lines = "".join(f"{name}\0{value}\n" for name, value in sorted(self.hashes.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def parameters_sha256(self) -> str:
        """sha256 of ``inference.pdiparams``."""
        return self.hashes[PARAMETERS_FILE]


def read_candidate(folder: Path, run_id: str | None) -> Candidate:
    """
    Raises:
        UserError: it is no exported folder, or of no module type that is known here.
    """
    if is_onnx_only(folder):
        raise UserError(
            f"{folder} is an int8 export: its metric was measured, but it can't be proven equal to what was trained, "
            "so only the export that it was made of can be promoted"
        )
    graph_files(folder)
    inference = read_inference(folder)
    from plx_train.export.static_model import room_of

    module = room_of(inference)
    origin = lineage(inference)
    try:
        hashes = file_hashes(folder)
        hashes |= {path.name: sha256(path) for path in files_named(folder, PARITY_FILE)}
    except OSError as error:
        raise UserError(f"{folder} can't be read ({error.strerror or error})") from None
    report = _read_report(folder / PARITY_FILE)
    name = model_name(inference)
    measurement = _measurement(report, str(origin.get("dataset_fingerprint") or ""))
    fault = _parity_fault(report, {name: value for name, value in hashes.items() if name != PARITY_FILE})
    sentence = str(report.get("sentence", "")) if report else ""
    better = recorded(report or {}, measurement.metric) if measurement else HIGHER
    return Candidate(folder, module, name, run_id, hashes, measurement, better, fault, sentence, origin.get("weights"))


def _read_report(path: Path) -> dict[str, Any] | None:
    """The content of a parity report; empty where it can't be understood, None where there is none."""
    if not path.is_file():
        return None
    try:
        content = parse_json(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _measurement(report: dict[str, Any] | None, fingerprint: str) -> Measurement | None:
    """What the report says the exported folder reached; None where it, or the dataset, is not known."""
    if not report or not fingerprint:
        return None
    try:
        value = float(report["exported"])
        found = Measurement(str(report["monitor"]), value, fingerprint, int(report["num_samples"]))
    except (KeyError, TypeError, ValueError):
        return None
    return found if math.isfinite(value) else None


def _parity_fault(report: dict[str, Any] | None, hashes: dict[str, str]) -> str | None:
    if report is None:
        return f"there is no {PARITY_FILE}: export the run again"
    if "ok" not in report:
        return f"{PARITY_FILE} can't be understood: export the run again"
    if report["ok"] is not True:
        return str(report.get("sentence") or f"{PARITY_FILE} says that the export is not equal to what was trained")
    files = report.get("files")
    if not isinstance(files, dict):
        return f"{PARITY_FILE} does not say which files it is about: export the run again"
    foreign = sorted(name for name in {*files, *hashes} if files.get(name) != hashes.get(name))
    if foreign:
        return f"{PARITY_FILE} was made for other files: {', '.join(foreign)} differ"
    return None
