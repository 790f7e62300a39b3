"""A pipeline of one's own: reads only text of one colour, for example what was corrected in red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import cv2
import numpy as np

from plx_train.pipelines.base import Pipeline
from plx_train.pipelines.crops import crop_line, reading_order
from plx_train.pipelines.inputs import Page
from plx_train.pipelines.result import PipelineResult

HUE_STEPS = 12
"""How far from the wanted hue ink may be, of 180 steps around the circle."""


class ColouredText(Pipeline):
    """Lines whose ink has a hue, 0 (red) to 179 as OpenCV counts."""

    NAME = "coloured_text"
    PARTS = ("TextDetection", "TextRecognition")
    PARAMETERS: ClassVar[Mapping[str, type]] = {"hue": int}

    def run(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[PipelineResult]:
        """The texts of each page in the colour `hue`, that of the configuration unless given."""
        hue = params.get("hue", self.config.get("hue", 0))
        return [self._read(page, hue) for page in pages]

    def _read(self, page: Page, hue: int) -> PipelineResult:
        found = self.parts["TextDetection"].predictor.predict(page.image)
        crops = [crop_line(page.image, quad) for quad in reading_order(list(found.quads))]
        coloured = [crop for crop in crops if crop.size and has_ink_of(crop, hue)]
        texts = [line.text for line in self.parts["TextRecognition"].predictor.predict(coloured)]
        return PipelineResult({"texts": texts, "models": self.describe()}, page.name, text="\n".join(texts))


def has_ink_of(crop: np.ndarray, hue: int) -> bool:
    """Whether most of what is no paper has the hue."""
    hsv = cv2.cvtColor(crop, cv2.COLOR_BGR2HSV)
    ink = (hsv[..., 1] > 80) & (hsv[..., 2] > 60)
    dark = hsv[..., 2] <= 100
    distance = np.abs(hsv[..., 0].astype(int) - hue)
    near = ink & (np.minimum(distance, 180 - distance) <= HUE_STEPS)
    return bool(near.sum() > max(0.5 * (ink | dark).sum(), 1))
