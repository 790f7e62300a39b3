"""Exported folders of a few bytes, a pipeline that only pretends, and a store that is made once."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from plx_train.ground.errors import UserError
from plx_train.ground.files import sha256
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.registry.access import registry_client
from plx_train.registry.candidate import Candidate, Measurement, read_candidate
from plx_train.registry.promotion import Judges, Outcome, PromotionRequest, promote
from plx_train.runs.exported import file_hashes
from plx_train.runs.folder import PARITY_FILE

DATASET = "d" * 64
OTHER_DATASET = "e" * 64
NUM_SAMPLES = 7


def new_store(folder: Path, template: Path | None = None) -> str:
    """Address of an empty SQLite store; a copy of `template` is made in no time."""
    folder.mkdir(parents=True, exist_ok=True)
    if template:
        shutil.copy(template, folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    registry_client(uri, may_create=True)
    return uri


_TENSOR = {"#": "0.t_dtensor", "D": [{"#": "0.t_f32"}, [1], "NCHW", [], 0]}
_NAME = {"AT": {"#": "0.a_str", "D": "x"}, "N": "name"}
_OPERATIONS = [
    {"#": "1.data", "A": [_NAME], "I": [], "O": [{"%": 1, "TT": _TENSOR}], "OA": []},
    {"#": "1.fetch", "A": [_NAME], "I": [{"%": 1}], "O": [{"%": 2, "TT": _TENSOR}], "OA": []},
]
_BLOCK = {"#": "block_0", "args": [], "ops": _OPERATIONS}
GRAPH = {
    "base_code": {"magic": "pir", "trainable": True, "version": 4},
    "program": {"regions": [{"#": "region_0", "blocks": [_BLOCK]}]},
}
"""A graph that gives what it is given."""


def make_export(
    folder: Path, value: float = 0.8, dataset: str = DATASET, parity: str = "good", num_samples: int = NUM_SAMPLES
) -> Path:
    """A folder that looks like an exported model; its parameters name what it reaches.

    Args:
        parity: good, bad, missing, foreign (made for other files), old (does not say for which files) or broken.
    """
    folder.mkdir(parents=True)
    (folder / "inference.json").write_text(json.dumps(GRAPH))
    (folder / "inference.pdiparams").write_text(f"{folder} {value}")
    origin = {"module": "text_det", "dataset_fingerprint": dataset}
    settings = TextDetProcessor().to_inference("PP-OCRv4_mobile_det")
    settings["Global"] = {"model_name": "PP-OCRv4_mobile_det", "plx_train": origin}
    (folder / "inference.yml").write_text(yaml.safe_dump(settings))
    report = {"ok": parity != "bad", "sentence": f"parity is {parity}", "monitor": "hmean", "exported": value}
    report |= {"num_samples": num_samples, "files": file_hashes(folder)}
    if parity == "old":
        del report["files"]
    if parity != "missing":
        (folder / PARITY_FILE).write_text("[" if parity == "broken" else json.dumps(report))
    if parity == "foreign":
        (folder / "inference.pdiparams").write_text("swapped")
    return folder


@dataclass
class FakeModel:
    sha256: str
    folder: Path


@dataclass
class FakePipeline:
    """What the gates ask of a pipeline."""

    folder: Path
    milliseconds: float = 0.0
    latency_budget_ms: float | None = 1000.0
    name: str = "OCR"
    fault: Exception | None = None

    @property
    def models(self) -> dict[str, Any]:
        return {"TextDetection": FakeModel(sha256(self.folder / "inference.pdiparams"), self.folder)}

    def sample(self, path: Path | None = None) -> np.ndarray:
        return np.zeros((8, 8, 3), np.uint8)

    def predict_many(self, images: list[np.ndarray], params: Any = None) -> list[dict[str, Any]]:
        if self.fault:
            raise self.fault
        time.sleep(self.milliseconds / 1000)
        return [{} for _ in images]


def never_measured(folder: Path) -> Measurement:
    raise AssertionError(f"{folder} was measured although it need not be")


@dataclass
class Desk:
    """One store, and promotions in it with few words."""

    uri: str
    root: Path
    made: list[Path] = field(default_factory=list)

    @property
    def client(self) -> Any:
        return registry_client(self.uri)

    def candidate(self, value: float = 0.8, run_id: str | None = None, **more: Any) -> Candidate:
        self.made.append(make_export(self.root / f"export{len(self.made)}", value, **more))
        return read_candidate(self.made[-1], run_id)

    def promote(self, candidate: Candidate, **more: Any) -> Outcome:
        """Promotes; `more` is for `PromotionRequest`, `Judges` or `FakePipeline`."""
        chosen = {name: more.pop(name) for name in ("alias", "force", "reason") if name in more}
        request = replace(PromotionRequest("text_det", "champion"), **chosen)
        measure: Callable[[Path], Measurement] = more.pop("measure", never_measured)
        load = more.pop("load", lambda folder: FakePipeline(folder, **more))
        judges = Judges(measure, load, "TextDetection", None)
        return promote(self.client, self.uri, candidate, request, judges)

    def champion(self) -> str | None:
        from plx_train.registry.resolve import current_version

        return current_version("text_det", "champion", self.uri)


def cannot_measure(folder: Path) -> Measurement:
    raise UserError("the dataset is gone")
