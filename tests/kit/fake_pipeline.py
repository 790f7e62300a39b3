"""A pipeline without models: it reads an image's mean grey as its text, and tells what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plx_train.ground.errors import UserError
from plx_train.vision.image import drawn_page

LINES = ("Serving without models", "0123456789", "Every box stands where its text is drawn")


@dataclass(frozen=True)
class FakeModel:
    name: str = "PP-OCRv4_mobile_det"
    module: str = "text_det"
    folder: Path = Path("/nowhere")
    reference: str = "models:/text_det@champion"
    version: str | None = "1"
    run_id: str | None = "run1"
    sha256: str = "0" * 64


class FakeResult(dict[str, Any]):
    def __init__(self, found: Mapping[str, Any], image: np.ndarray, pictures: tuple[str, ...]) -> None:
        super().__init__(found)
        self._image = image
        self._pictures = pictures

    @property
    def json(self) -> dict[str, Any]:
        return {"res": {name: value for name, value in self.items() if not isinstance(value, np.ndarray)}}

    @property
    def img(self) -> dict[str, np.ndarray]:
        return dict.fromkeys(self._pictures, self._image)


@dataclass
class FakePipeline:
    """Takes `seconds` for a batch and `seconds_each` for an image; with `fault` it fails on the grey of 13."""

    name: str = "OCR"
    version: str = "1"
    seconds: float = 0.0
    seconds_each: float = 0.0
    fault: Exception | None = None
    is_broken: bool = False
    reads_pages: bool = False
    batches: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    may_go_on: threading.Event = field(default_factory=threading.Event)
    config: dict[str, Any] = field(default_factory=dict)
    background: str = "white"
    data: dict[str, Any] = field(default_factory=dict)
    latency_budget_ms: float | None = None
    PARAMETERS: Mapping[str, type] = field(
        default_factory=lambda: {
            "use_doc_orientation_classify": bool,
            "use_textline_orientation": bool,
            "text_det_limit_side_len": int,
            "text_det_limit_type": str,
            "text_det_thresh": float,
            "text_rec_score_thresh": float,
            "topk": int,
        }
    )

    def __post_init__(self) -> None:
        self.may_go_on.set()

    @property
    def models(self) -> dict[str, FakeModel]:
        return {"TextDetection": FakeModel(version=self.version, run_id=f"run{self.version}")}

    def read(self, input: Any) -> Iterator[Any]:
        yield from input

    def sample(self, path: Path | None = None) -> np.ndarray:
        return drawn_page()

    def predict_many(self, images: Sequence[np.ndarray], params: Mapping[str, Any] | None = None) -> list[FakeResult]:
        self.batches.append((len(images), dict(params or {})))
        self.may_go_on.wait(30)
        time.sleep(self.seconds + self.seconds_each * len(images))
        if (params or {}).get("use_textline_orientation"):
            raise UserError("use_textline_orientation=true needs a model for TextLineOrientation")
        if self.fault and any(round(image.mean()) == 13 for image in images):
            raise self.fault
        return [self._found(image) for image in images]

    def _found(self, image: np.ndarray) -> FakeResult:
        models = {
            "TextDetection": {"name": "PP-OCRv4_mobile_det", "version": self.version, "run_id": "r", "sha256": "0"}
        }
        if self.name == "image_classification":
            found = {"input_path": None, "class_ids": [1, 0], "scores": [0.9, 0.1], "label_names": ["dog", "cat"]}
            return FakeResult({**found, "models": models}, image, ("res",))
        if self.name == "object_detection":
            box = {"cls_id": 3, "label": "cat", "score": 0.5, "coordinate": [10.0, 20.0, 300.0, 140.0]}
            return FakeResult({"input_path": None, "boxes": [box], "models": models}, image, ("res",))
        if self.name == "pedestrian_attribute_recognition":
            places = [[10.0, 20.0, 300.0, 140.0], [400.0, 0.0, 500.0, 340.0]]
            boxes = [
                {"labels": labels, "cls_scores": [0.75] * len(labels), "det_score": 0.5, "coordinate": place}
                for labels, place in zip((["hat", "bag"], []), places, strict=True)
            ]
            return FakeResult({"input_path": None, "boxes": boxes, "models": models}, image, ("res",))
        if self.name == "doc_preprocessor":
            settings = {"use_doc_orientation_classify": True, "use_doc_unwarping": False}
            found = {"input_path": None, "page_index": None, "model_settings": settings, "angle": 0}
            return FakeResult({**found, "output_img": image, "models": models}, image, ("preprocessed_img",))
        return FakeResult({**self._texts(image), "models": models}, image, ("ocr_res_img",))

    def _texts(self, image: np.ndarray) -> dict[str, Any]:
        texts, polys = [str(round(image.mean()))], [[[2, 3], [20, 3], [20, 10], [2, 10]]]
        if self.reads_pages:
            texts = list(LINES)
            polys = [_box(number, text) for number, text in enumerate(LINES)]
        if self.is_broken:
            texts, polys = [], []
        boxes = [[*quad[0], *quad[2]] for quad in polys]
        return {
            "input_path": None,
            "page_index": None,
            "dt_polys": polys,
            "model_settings": {"use_doc_preprocessor": False, "use_textline_orientation": False},
            "text_type": "general",
            "rec_texts": texts,
            "rec_scores": [0.9] * len(texts),
            "rec_polys": polys,
            "rec_boxes": boxes,
        }


def _box(number: int, text: str) -> list[list[int]]:
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.2, 2)
    left, top = 56, 86 + 90 * number - height
    right, bottom = left + width + 8, top + height + below + 8
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def page_with_text() -> np.ndarray:
    """A page on which `FakePipeline(reads_pages=True)` seems to read; uint8 (H, W, 3) BGR."""
    image = np.full((340, 1000, 3), 255, np.uint8)
    for number, text in enumerate(LINES):
        place = (60, 90 + 90 * number)
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.2, (40, 30, 20), 2, cv2.LINE_AA)
    return image
