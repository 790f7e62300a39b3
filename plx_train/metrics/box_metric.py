"""COCO's average precision, and precision and recall of the boxes that are shown."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.metrics.boxes import ImageBoxes, Precisions, image_boxes, judge, precisions


class BoxMetric(Metric):
    """Accumulates images.

    Args:
        num_classes: of the model.
    """

    errors: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.images: list[ImageBoxes] = []
        self._counts = np.zeros(3, np.int64)
        self._found: Precisions | None = None

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one image and returns the harmonic mean of precision and recall of what is shown in it.

        Args:
            prediction: `Detections`.
            sample: its ``truth`` are `Objects`, its ``context`` is the image's height and width.
        """
        image = image_boxes(sample.truth, prediction.candidates, sample.context)
        self.images.append(image)
        self._found = None
        judged = judge(image, prediction.rows)
        counts = int(judged.is_right.sum()), len(judged.rows), int((~image.is_crowd).sum())
        self._counts += counts
        return _hmean(*counts) if counts[1] or counts[2] else 1.0

    def compute(self) -> dict[str, float]:
        """``AP`` and its parts as COCO has them; ``hmean``, ``precision`` and ``recall`` at the thresholds."""
        found = self.found()
        matched, shown, true = self._counts.tolist()
        parts = {
            "AP50": found.ap50,
            "AP75": found.ap75,
            "AP_small": found.small,
            "AP_medium": found.medium,
            "AP_large": found.large,
            "AR": found.recall,
        }
        return {
            "AP": float(np.nan_to_num(found.ap)),
            **{name: value for name, value in parts.items() if np.isfinite(value)},
            "hmean": _hmean(matched, shown, true),
            "precision": matched / shown if shown else 0.0,
            "recall": matched / true if true else 0.0,
        }

    def found(self) -> Precisions:
        """The average precisions of the images so far."""
        self._found = self._found or precisions(self.images, self.num_classes)
        return self._found

    def curve(self) -> list[tuple[float, float]]:
        """(recall, precision) at an overlap of 0.5, mean over the classes."""
        levels = np.linspace(0, 1, len(self.found().curve)).tolist()
        return list(zip(levels, self.found().curve.tolist(), strict=True))


def _hmean(matched: int, shown: int, true: int) -> float:
    return 2 * matched / (shown + true) if shown + true else 0.0
