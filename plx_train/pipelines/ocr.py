"""OCR: pages are turned upright if asked for, lines found, turned, and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from plx_train.ground.errors import ConfigError
from plx_train.pipelines.base import LoadPart, Pipeline, must_be_loaded
from plx_train.pipelines.crops import check_crops, crop_line, reading_order, rotate, whole_numbers
from plx_train.pipelines.doc_preprocessor import ORIENTATION as PAGE_ORIENTATION
from plx_train.pipelines.doc_preprocessor import DocPreprocessor, refuse_unwarping
from plx_train.pipelines.drawing import draw_texts
from plx_train.pipelines.inputs import Page
from plx_train.pipelines.orientation import angle_of
from plx_train.pipelines.result import PipelineResult
from plx_train.pipelines.searchable import searchable_pdf

DETECTION, ORIENTATION, RECOGNITION = "TextDetection", "TextLineOrientation", "TextRecognition"
SETTINGS = ("limit_side_len", "limit_type", "max_side_limit", "thresh", "box_thresh", "unclip_ratio")
"""Settings of detection's processor; in the configuration by these names, as parameters with ``text_det_`` before."""


@dataclass
class _Reading:
    """What is known of one page so far."""

    page: Page
    upright: PipelineResult | dict[str, Any]
    quads: list[np.ndarray]
    crops: list[np.ndarray]
    angles: list[int]

    @property
    def image(self) -> np.ndarray:
        return self.upright["output_img"]


class OCR(Pipeline):
    """PaddleX's pipeline of the same name, for lines in four-cornered boxes."""

    NAME = "OCR"
    PARTS = (DETECTION, RECOGNITION)
    PARAMETERS: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "use_doc_orientation_classify": bool,
        "use_doc_unwarping": bool,
        "use_textline_orientation": bool,
        "text_det_limit_side_len": int,
        "text_det_limit_type": str,
        "text_det_max_side_limit": int,
        "text_det_thresh": float,
        "text_det_box_thresh": float,
        "text_det_unclip_ratio": float,
        "text_rec_score_thresh": float,
        "return_word_box": bool,
    }

    def __init__(self, config: dict[str, Any], load: LoadPart) -> None:
        super().__init__(config, load)
        self.preprocessor: DocPreprocessor | None = None
        if config.get("use_doc_preprocessor", False):
            self.preprocessor = DocPreprocessor(config["SubPipelines"].get("DocPreprocessor", {"SubModules": {}}), load)
            self.parts |= self.preprocessor.parts
        section = config["SubModules"][DETECTION]
        given = {name: section[name] for name in SETTINGS if section.get(name) is not None}
        self.detector = replace(self.parts[DETECTION].predictor.processor, **given)
        self._workers = ThreadPoolExecutor(self.cores, "plx-ocr")

    @classmethod
    def parameter_places(cls, config: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
        """The settings of detection, and the score above which a reading counts."""
        places = {f"text_det_{name}": (DETECTION, name) for name in SETTINGS}
        return {**places, "text_rec_score_thresh": (RECOGNITION, "score_thresh")}

    def threads_of(self, key: str) -> int:
        """Lines are many and small: read side by side, a thread each."""
        return self.cores if key == DETECTION else 1

    def used_parts(self) -> tuple[str, ...]:
        """Detection and recognition, with orientation of lines where the configuration has it."""
        return (*self.PARTS, ORIENTATION) if self.config.get("use_textline_orientation", False) else self.PARTS

    def settings_of(self, key: str) -> dict[str, Any]:
        """Detection's thresholds and sizes, calibrated ones among them."""
        return {name: getattr(self.detector, name) for name in SETTINGS} if key == DETECTION else {}

    def check_settings(self, params: Mapping[str, Any]) -> None:
        """
        Raises:
            UserError: a setting of detection is not possible, or a switch asks for what is not here.
        """
        refuse_unwarping(params)
        if params.get("return_word_box"):
            raise ConfigError("return_word_box=true: boxes of words are not found here, set it to false")
        if params.get("use_textline_orientation"):
            must_be_loaded(self, ORIENTATION, "use_textline_orientation")
        if self._turns_pages(params):
            must_be_loaded(self, PAGE_ORIENTATION, "use_doc_orientation_classify")
        self._detector(params)

    def _detector(self, params: Mapping[str, Any]) -> Any:
        """Detection's processor with the settings that `params` ask for."""
        changed = {name: params[f"text_det_{name}"] for name in SETTINGS if f"text_det_{name}" in params}
        return replace(self.detector, **changed)

    def run(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[PipelineResult]:
        """The texts of `pages`; lines of all of them are read together."""
        turns_lines = params.get("use_textline_orientation", ORIENTATION in self.parts)
        detector = self._detector(params)
        upright = self._upright(pages, params)
        readings = [self._find(page, found, detector) for page, found in zip(pages, upright, strict=True)]
        crops = [crop for reading in readings for crop in reading.crops]
        if turns_lines:
            angles = [angle_of(found) for found in self._each(ORIENTATION, crops)]
            crops = [rotate(crop, angle) for crop, angle in zip(crops, angles, strict=True)]
            _share(readings, [angle // 180 for angle in angles])
        found = iter(self._each(RECOGNITION, crops))
        limit = params.get("text_rec_score_thresh", self.config["SubModules"][RECOGNITION].get("score_thresh") or 0.0)
        settings = {"use_doc_preprocessor": self._turns_pages(params), "use_textline_orientation": turns_lines}
        shared = {
            "model_settings": settings,
            "text_det_params": {name: getattr(detector, name) for name in SETTINGS},
            "text_type": "general",
            "text_rec_score_thresh": limit,
            "return_word_box": False,
            "models": self.describe(),
        }
        return [_result(reading, [next(found) for _ in reading.crops], shared, limit) for reading in readings]

    def _turns_pages(self, params: Mapping[str, Any]) -> bool:
        return bool(params.get("use_doc_orientation_classify", self.preprocessor is not None))

    def _upright(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[Any]:
        if not self._turns_pages(params):
            return [{"output_img": page.image} for page in pages]
        assert self.preprocessor is not None
        return self.preprocessor.run(pages, {})

    def _find(self, page: Page, upright: Any, detector: Any) -> _Reading:
        model, image = self.parts[DETECTION].predictor.model, upright["output_img"]
        found = detector.predict_in_pieces(model, image)
        if found is None:
            found = detector.predict_whole(model, image)
        quads = reading_order(list(found.quads))
        check_crops(image, quads)
        crops = [crop_line(upright["output_img"], quad) for quad in quads]
        kept = [index for index, crop in enumerate(crops) if crop.size]
        return _Reading(page, upright, [quads[i] for i in kept], [crops[i] for i in kept], [-1] * len(kept))

    def _each(self, key: str, crops: Sequence[np.ndarray]) -> list[Any]:
        # One by one: in a batch, crops would be padded to the widest, and read otherwise than alone.
        predict = self.parts[key].predictor.predict
        # The widest first, or one of them would be what all wait for in the end.
        order = sorted(range(len(crops)), key=lambda index: -crops[index].shape[1] / crops[index].shape[0])
        found = dict(zip(order, self._workers.map(predict, [crops[index] for index in order]), strict=True))
        return [found[index] for index in range(len(crops))]


def _share(readings: Sequence[_Reading], angles: list[int]) -> None:
    start = 0
    for reading in readings:
        reading.angles = angles[start : start + len(reading.crops)]
        start += len(reading.crops)


def _result(reading: _Reading, read: list[Any], shared: Mapping[str, Any], limit: float) -> PipelineResult:
    kept = [index for index, found in enumerate(read) if found.score >= limit]
    quads = [whole_numbers(reading.quads[index]) for index in kept]
    texts = [read[index].text for index in kept]
    findings = {
        "input_path": reading.page.path,
        "page_index": reading.page.index,
        **({"page_count": reading.page.count} if reading.page.count else {}),
        "doc_preprocessor_res": reading.upright,
        "dt_polys": [whole_numbers(quad) for quad in reading.quads],
        **shared,
        "textline_orientation_angles": reading.angles,
        "rec_texts": texts,
        "rec_scores": [read[index].score for index in kept],
        "rec_polys": quads,
        "rec_boxes": whole_numbers([[*quad.min(axis=0), *quad.max(axis=0)] for quad in quads]).reshape(-1, 4),
    }
    return PipelineResult(
        findings,
        reading.page.result_name,
        lambda: {"ocr_res_img": draw_texts(reading.image, quads, texts)},
        "\n".join(texts),
        lambda: searchable_pdf(reading.image, quads, texts),
    )
