"""What is looked for in a dataset of objects, beside what all datasets of images are checked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.data.classes import imbalance_findings, listed
from plx_train.vision.check import ImageCheck, ImageSplit, Look, measures, percentiles, sizes_of
from plx_train.vision.labels.coco import LabelledObjects
from plx_train.vision.twins import finding

TINY = 8.0
"""Pixels of the network's input below which a box's shorter side is smaller than the finest grid."""
SLACK = 1.0
"""Pixels by which boxes may stand out of their image: rounding."""
SIDE = "side"
MAX_LISTED = 20
"""Classes that are listed one by one."""


@dataclass(frozen=True)
class BoxCheck(ImageCheck[LabelledObjects]):
    """What is looked for in a dataset.

    Attributes:
        room: its name.
        labels: the classes.
        size: width and height of the network's input.
    """

    room: str
    labels: tuple[str, ...]
    size: tuple[int, int]
    truth = "boxes"

    def settings(self) -> dict[str, Any]:
        """Classes and size."""
        return {"labels": list(self.labels), "size": list(self.size)}

    def look(self, sample: LabelledObjects, image: np.ndarray) -> Look[LabelledObjects]:
        """Boxes outside of the image, and doubled ones; their sides as the network sees them."""
        height, width = image.shape[:2]
        truth = sample.truth
        limits = np.asarray([width, height], np.float32)
        outside = ((truth.boxes[:, :2] < -SLACK) | (truth.boxes[:, 2:] > limits + SLACK)).any(axis=1)
        found = []
        if outside.any():
            box = truth.boxes[outside][0].round(1).tolist()
            reason = f"{int(outside.sum())} boxes stand out of the image of {width} x {height} pixels: {box}"
            found.append(finding(sample, "warning", "box-outside", reason))
        rows = [(number, *box) for number, box in zip(truth.classes.tolist(), truth.boxes.tolist(), strict=True)]
        twice = sum(count - 1 for count in Counter(rows).values())
        if twice:
            found.append(finding(sample, "warning", "box-twice", f"{twice} boxes are there twice, of the same class"))
        scale = np.asarray(self.size, np.float32) / limits
        sides = ((truth.boxes[:, 2:] - truth.boxes[:, :2]) * scale)[~truth.is_crowd].min(axis=1, initial=np.inf)
        return Look(sample, (height, width), found, {SIDE: sides[np.isfinite(sides)]})

    def of_split(self, split: ImageSplit[LabelledObjects], looks: Sequence[Look[LabelledObjects]]) -> list[Finding]:
        """Boxes too small to be seen, images without any, and classes that are rare or missing."""
        found = []
        sides = measures(looks, SIDE)
        tiny = int((sides < TINY).sum())
        if tiny:
            width, height = self.size
            reason = (
                f"{tiny} of {len(sides)} boxes have a side below {TINY:g} pixels where the network sees {width} x "
                f"{height}: the smallest has {sides.min():.1f}"
            )
            found.append(Finding(split.file, 0, "warning", "box-tiny", reason))
        empty = sum(not len(sample.truth) for sample in split.samples)
        if empty:
            reason = f"{empty} of {len(split.samples)} images have no box: they teach what is none"
            found.append(Finding(split.file, 0, "warning", "no-boxes", reason))
        counts = self._counts(split)
        never = [self.labels[number] for number in range(len(self.labels)) if not counts[number]]
        if never and split.samples:
            found.append(Finding(split.file, 0, "warning", "class-never", f"no box is of the classes {listed(never)}"))
        return found + imbalance_findings(split.file, {key: count for key, count in counts.items() if count}, "boxes")

    def statistics(
        self, split: ImageSplit[LabelledObjects], names: Sequence[str], looks: Sequence[Look[LabelledObjects]]
    ) -> dict[str, Any]:
        """Numbers of images and boxes, boxes of each class, and sizes."""
        counts = self._counts(split)
        sizes = sizes_of(looks)
        return {
            "images": len(split.samples),
            "boxes": sum(counts.values()),
            **self._by_class(counts),
            "image_height": percentiles(sizes[:, 0]),
            "image_width": percentiles(sizes[:, 1]),
            "box_side_at_input": percentiles(measures(looks, SIDE)),
        }

    def _by_class(self, counts: Counter[int]) -> dict[str, Any]:
        """Boxes of each class, or how many there are of one where the classes are many."""
        if len(self.labels) > MAX_LISTED:
            return {"boxes_of_a_class": percentiles([counts[number] for number in range(len(self.labels))])}
        return {f"boxes of {name}": counts[number] for number, name in enumerate(self.labels)}

    def _counts(self, split: ImageSplit[LabelledObjects]) -> Counter[int]:
        return Counter(number for sample in split.samples for number in sample.truth.counted.classes.tolist())
