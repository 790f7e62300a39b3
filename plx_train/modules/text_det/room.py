"""Text detection, as the core knows it without its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import Truth
from plx_train.metrics.label_doubts import outline_doubts
from plx_train.modules.text_det.check import TextDetCheck
from plx_train.modules.text_det.config import TextDetConfig
from plx_train.modules.text_det.labels import PageLabel, read_lines
from plx_train.modules.text_det.metric import TextDetMetric
from plx_train.modules.text_det.overlay import draw_overlay
from plx_train.modules.text_det.prediction import TextDetPrediction
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.vision.check import ImageData
from plx_train.vision.draw import FOUND, UNCOUNTED
from plx_train.vision.found_texts import DOUBTFUL, SURE, texts_found
from plx_train.vision.room import ImageRoom

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.text_det.module import TextDet


class TextDetRoom(ImageRoom[TextDetConfig, PageLabel, TextDetProcessor]):
    """Finds the lines of text on a page."""

    contract = 1
    name = "text_det"
    options = TextDetConfig
    kind = Truth.TEXTS
    processor = TextDetProcessor
    metric = TextDetMetric
    monitor = "hmean"
    pool_schedule = "rounds"
    doubts = staticmethod(outline_doubts)
    noun, num_pictures = "pages", 6

    def read_file(
        self, path: Path, root: Path, options: TextDetConfig, classes: Sequence[str] | None
    ) -> tuple[list[PageLabel], list[Finding]]:
        """The pages of a label file with their texts."""
        return read_lines(path, root)

    def fit(
        self, data: ImageData[PageLabel] | None, dataset: DatasetOptions, options: TextDetConfig, weights: str | None
    ) -> TextDetProcessor | None:
        """The processing that the options ask for: pages and weights say nothing of it."""
        return None if data and data.faults else _processor(options)

    processor_of_weights = fit

    def rules(self, processor: TextDetProcessor, options: TextDetConfig) -> TextDetCheck:
        """What is looked for in a dataset."""
        return TextDetCheck(processor)

    def doubting(self, processor: TextDetProcessor) -> TextDetProcessor:
        """`processor` that tells of regions too which it would pass over."""
        return replace(processor, box_thresh=min(DOUBTFUL, processor.box_thresh))

    def pseudo_label(self, processor: TextDetProcessor, prediction: TextDetPrediction) -> PseudoLabel:
        """What was found, of which the doubtful counts neither way."""
        return texts_found(prediction.quads, prediction.scores, max(SURE, processor.box_thresh))

    def draw_sample(self, sample: PageLabel) -> np.ndarray:
        """The page with its labels: text green, ignored text grey."""
        image = sample.read()
        for colour, is_ignored in ((FOUND, False), (UNCOUNTED, True)):
            outlines = [np.rint(text.points).astype(np.int32) for text in sample.truth if text.ignore == is_ignored]
            cv2.polylines(image, outlines, True, colour, max(1, max(image.shape) // 1000), cv2.LINE_AA)
        return image

    def overlay(
        self, processor: TextDetProcessor, original: np.ndarray, prediction: TextDetPrediction, truth: Any = None
    ) -> np.ndarray:
        """The page with found, missed and false boxes on it."""
        return draw_overlay(original, prediction, truth)

    def official(self, processor: TextDetProcessor, options: TextDetConfig) -> TextDetProcessor:
        """`processor` with the thresholds and the unclip ratio that the options ask for."""
        return replace(
            processor, thresh=options.thresh, box_thresh=options.box_thresh, unclip_ratio=options.unclip_ratio
        )

    def build(
        self, options: TextDetConfig, processor: TextDetProcessor, checked: object, is_fine_tuning: bool
    ) -> TextDet:
        """The module."""
        from plx_train.modules.text_det.module import TextDet

        return TextDet(options, processor, is_fine_tuning)

    def pretrained(self, options: TextDetConfig) -> str | None:
        """Weights that ``weights=auto`` stands for."""
        return options.pretrained

    def published(self, folder: Path) -> tuple[TextDetConfig, TextDetProcessor]:
        """Options and processor of the published weights."""
        return TextDetConfig(), _processor(TextDetConfig())


def _processor(options: TextDetConfig) -> TextDetProcessor:
    return TextDetProcessor(
        limit_side_len=options.limit_side_len,
        thresh=options.thresh,
        box_thresh=options.box_thresh,
        unclip_ratio=options.unclip_ratio,
        max_candidates=options.max_candidates,
    )
