"""What holds of each thing in a picture: one model finds them, another names the attributes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from plx_train.export.predictor import Predictor
from plx_train.pipelines.base import LoadPart, Pipeline
from plx_train.pipelines.crops import box_crop
from plx_train.pipelines.drawing import draw_attributes
from plx_train.pipelines.inputs import Page
from plx_train.pipelines.result import PipelineResult

DETECTION, CLASSIFICATION = "Detection", "Classification"
THRESHOLDS: Mapping[str, str] = {"det_threshold": DETECTION, "cls_threshold": CLASSIFICATION}
"""Parameters by name, and the parts that they are for, whose sections call them ``threshold``."""


class AttributeRecognition(Pipeline):
    """PaddleX's two pipelines of attributes; a threshold left out is the model's own."""

    PARTS = (DETECTION, CLASSIFICATION)
    PARAMETERS: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "det_threshold": (float, dict),
        "cls_threshold": (float, list, tuple, dict),
    }

    def __init__(self, config: dict[str, Any], load: LoadPart) -> None:
        super().__init__(config, load)
        sections = config["SubModules"]
        self._section = self.checked({name: sections[key].get("threshold") for name, key in THRESHOLDS.items()})
        # What the sections say and the models can't is told when they are loaded.
        self.check_settings({})

    @classmethod
    def parameter_places(cls, config: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
        """The thresholds, each in its part's section."""
        return {name: (part, "threshold") for name, part in THRESHOLDS.items()}

    def check_settings(self, params: Mapping[str, Any]) -> None:
        """
        Raises:
            UserError: a threshold is not possible.
        """
        for name in THRESHOLDS:
            self._predictor(name, params)

    def _predictor(self, name: str, params: Mapping[str, Any]) -> Predictor:
        """The model that the threshold `name` is for, with the one that the section or `params` ask for."""
        own = self.parts[THRESHOLDS[name]].predictor
        chosen = {**self._section, **params}.get(name)
        return own if chosen is None else own.with_settings(cut=chosen)

    def run(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[PipelineResult]:
        """The things in `pages` with their attributes; those of all pages are looked at together."""
        detector, classifier = (self._predictor(name, params) for name in THRESHOLDS)
        found = [prediction.findings()["boxes"] for prediction in detector.predict([page.image for page in pages])]
        crops = [
            box_crop(page.image, box["coordinate"]) for page, boxes in zip(pages, found, strict=True) for box in boxes
        ]
        described = iter(classifier.predict(crops))
        return [
            self._result(page, [_described(box, next(described)) for box in boxes])
            for page, boxes in zip(pages, found, strict=True)
        ]

    def _result(self, page: Page, boxes: list[dict[str, Any]]) -> PipelineResult:
        findings = {"input_path": page.path, "page_index": page.index, "boxes": boxes, "models": self.describe()}
        return PipelineResult(findings, page.result_name, lambda: {"res": draw_attributes(page.image, boxes)})


class PedestrianAttributeRecognition(AttributeRecognition):
    """PaddleX's pipeline of the same name."""

    NAME = "pedestrian_attribute_recognition"


class VehicleAttributeRecognition(AttributeRecognition):
    """PaddleX's pipeline of the same name."""

    NAME = "vehicle_attribute_recognition"


def _described(box: Mapping[str, Any], prediction: Any) -> dict[str, Any]:
    attributes = prediction.findings()
    return {
        "labels": list(attributes["label_names"]),
        "cls_scores": [float(score) for score in attributes["scores"]],
        "det_score": box["score"],
        "coordinate": box["coordinate"],
    }
