"""A package of somebody else's with a room, which names the colours of an image, and the YAML of its pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from plx_train.contract.room import CONTRACT
from plx_train.export.write import write_export
from plx_train.runs.exported import file_hashes
from plx_train.runs.folder import PARITY_FILE

NAME, PIPELINE, PART = "toy_colours", "toy_multilabel", "ToyMultiLabel"
LABELS = ("blue", "green", "red")

PROCESSOR = """
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.processor import Processor
from plx_train.contract.prediction import Prediction
from plx_train.ground.errors import UserError
from plx_train.vision.image import IMAGE_SUFFIXES, as_image, white_image


@dataclass(frozen=True)
class ToyPrediction(Prediction):
    classes: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        scores = [round(float(score), 3) for score in self.scores]
        return {"class_ids": self.classes.tolist(), "scores": scores, "label_names": list(self.names)}


@dataclass(frozen=True)
class ToyProcessor(Processor):
    labels: tuple[str, ...]
    threshold: Any = 0.5

    def __post_init__(self) -> None:
        if isinstance(self.threshold, list) and len(self.threshold) != len(self.labels):
            raise UserError(f"threshold must have {len(self.labels)} numbers")

    @property
    def suffixes(self) -> frozenset[str]:
        return IMAGE_SUFFIXES

    def example(self) -> np.ndarray:
        return white_image()

    def as_input(self, given: Any) -> np.ndarray:
        return as_image(given)

    def preprocess(self, image: np.ndarray) -> tuple[np.ndarray, None]:
        return (image.mean(axis=(0, 1)) / 255).astype(np.float32), None

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        return list(outputs[0])

    def postprocess(self, output: np.ndarray, context: None) -> ToyPrediction:
        given = self.threshold
        if isinstance(given, dict):
            given = [given.get(str(number), given.get("default", 0.5)) for number in range(len(self.labels))]
        kept = np.flatnonzero(output >= np.asarray(given))
        return ToyPrediction(kept, output[kept], tuple(self.labels[number] for number in kept))

    def to_inference(self, model_name: str) -> dict[str, Any]:
        return {"Global": {"model_name": model_name}, "Toy": {"labels": list(self.labels)}}

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> ToyProcessor:
        if "Toy" not in inference:
            raise UserError("no toy")
        return cls(tuple(inference["Toy"]["labels"]))
"""

CONFIG = f"""
from dataclasses import dataclass


@dataclass
class ToyConfig:
    name: str = "{NAME}"
"""

ROOM = f"""
from plx_train.contract.metric import Metric
from plx_train.contract.room import Room
from toy_package.colours.config import ToyConfig
from toy_package.colours.processor import ToyProcessor


class ToyMetric(Metric):
    errors = frozenset({{"error"}})

    def update(self, prediction, sample):
        return 0.0

    def compute(self):
        return {{"error": 0.0}}


class ToyRoom(Room):
    contract = {CONTRACT}
    name = "{NAME}"
    options = ToyConfig
    processor = ToyProcessor
    metric = ToyMetric
    monitor = "error"

    def read(self, dataset, options):
        raise NotImplementedError

    def fit(self, data, dataset, options, weights):
        raise NotImplementedError

    def check(self, data, processor, dataset, options):
        raise NotImplementedError

    def draw_samples(self, samples, folder):
        raise NotImplementedError

    def build(self, options, processor, checked, is_fine_tuning):
        raise NotImplementedError

    def overlay(self, processor, original, prediction, truth=None):
        return original // 2

    def model_name(self, options):
        return "Toy-1"
"""

YAML = f"""
pipeline_name: {PIPELINE}
SubModules:
  {PART}:
    model_name: Toy-1
    model_dir: null
    threshold: 0.3
plx_train:
  reads: image
  latency_budget_ms: 5000
  parts:
    {PART}: {{module: {NAME}}}
  parameters:
    threshold: {{type: [number, array, object], minimum: 0, maximum: 1}}
  endpoint: {{path: /toy-multilabel, answer: categories}}
"""


def install(folder: Path, yaml: str = YAML) -> Path:
    """Writes the package as pip would install it; gives the folder for ``sys.path``."""
    package, facts = folder / "toy_package" / "colours", folder / "toy_package-1.0.dist-info"
    (package / "pipelines").mkdir(parents=True)
    facts.mkdir()
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "processor.py").write_text(PROCESSOR)
    (package / "config.py").write_text(CONFIG)
    (package / "room.py").write_text(ROOM)
    (package / "pipelines" / "toy.yaml").write_text(yaml)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: toy_package\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[plx_train.modules]\n{NAME} = toy_package.colours\n")
    return folder


def export(folder: Path, value: float = 0.8) -> Path:
    """An exported model of the installed room, with a proof that says it reaches `value`."""
    import paddle
    from paddle.static import InputSpec
    from toy_package.colours.processor import ToyProcessor  # type: ignore[import-not-found]

    class Same(paddle.nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.gain = self.create_parameter([1], default_initializer=paddle.nn.initializer.Constant(1.0))

        def forward(self, x: paddle.Tensor) -> paddle.Tensor:
            return x * self.gain

    specs = [InputSpec([None, 3], "float32", name="x")]
    module = SimpleNamespace(name=NAME, export_network=lambda processor: (Same(), specs))
    processor = ToyProcessor(LABELS)
    write_export(module, processor, folder, "Toy-1", {"dataset_fingerprint": "d" * 64})  # type: ignore[arg-type]
    proof = {"ok": True, "sentence": "equal", "monitor": "error", "better": "lower", "exported": value}
    (folder / PARITY_FILE).write_text(json.dumps(proof | {"num_samples": 3, "files": file_hashes(folder)}))
    return folder
