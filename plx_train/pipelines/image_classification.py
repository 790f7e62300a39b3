"""image_classification: what a picture shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from plx_train.ground.errors import ConfigError
from plx_train.pipelines.base import Pipeline
from plx_train.pipelines.drawing import draw_labels
from plx_train.pipelines.inputs import Page
from plx_train.pipelines.result import PipelineResult

CLASSIFICATION = "ImageClassification"
TOPK = 5


class ImageClassification(Pipeline):
    """PaddleX's pipeline of the same name."""

    NAME = "image_classification"
    PARTS = (CLASSIFICATION,)
    PARAMETERS: ClassVar[Mapping[str, type]] = {"topk": int}

    def run(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[PipelineResult]:
        """The likeliest classes of `pages`."""
        topk = params.get("topk", self.config["SubModules"][CLASSIFICATION].get("topk") or TOPK)
        if topk < 1:
            raise ConfigError(f"topk={topk} must be at least 1")
        found = self.parts[CLASSIFICATION].predictor.predict([page.image for page in pages])
        return [self._result(page, prediction, topk) for page, prediction in zip(pages, found, strict=True)]

    def _result(self, page: Page, prediction: Any, topk: int) -> PipelineResult:
        labels = [str(name) for name in prediction.names[:topk]]
        scores = np.asarray(prediction.scores[:topk], np.float32)
        findings = {
            "input_path": page.path,
            "page_index": page.index,
            "class_ids": np.asarray(prediction.classes[:topk], np.int32),
            "scores": np.round(scores, 5),
            "label_names": labels,
            "models": self.describe(),
        }
        return PipelineResult(findings, page.name, lambda: {"res": draw_labels(page.image, labels, scores.tolist())})
