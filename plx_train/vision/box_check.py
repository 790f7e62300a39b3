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
from plx_train.vision.tiles import TINY, Tiling
from plx_train.vision.twins import finding

SLACK = 1.0
"""Pixels by which boxes may stand out of their image: rounding."""
SIDE, LARGE, TILES = "side", "large", "tiles"
MAX_LISTED = 20
"""Classes that are listed one by one."""


@dataclass(frozen=True)
class BoxCheck(ImageCheck[LabelledObjects]):
    """What is looked for in a dataset.

    Attributes:
        room: its name.
        labels: the classes.
        size: width and height of the network's input.
        tiling: how images are cut; None: they are seen whole.
    """

    room: str
    labels: tuple[str, ...]
    size: tuple[int, int]
    tiling: Tiling | None = None
    truth = "boxes"

    def settings(self) -> dict[str, Any]:
        """Classes, size, and tiles where there are any."""
        tiles = {} if self.tiling is None else {"tiles": [*self.tiling.size, self.tiling.overlap]}
        return {"labels": list(self.labels), "size": list(self.size), **tiles}

    def look(self, sample: LabelledObjects, image: np.ndarray) -> Look[LabelledObjects]:
        """Boxes outside of the image, and doubled ones; their sides as the network sees them."""
        height, width = image.shape[:2]
        truth = sample.truth
        limits = np.asarray([width, height], np.float32)
        outside = ((truth.boxes[:, :2] < -SLACK) | (truth.boxes[:, 2:] > limits + SLACK)).any(axis=1)
        found = []
        if outside.any():
            box = [round(each, 1) for each in truth.boxes[outside][0].tolist()]
            reason = f"{int(outside.sum())} boxes stand out of the image of {width} x {height} pixels: {box}"
            found.append(finding(sample, "warning", "box-outside", reason))
        rows = [(number, *box) for number, box in zip(truth.classes.tolist(), truth.boxes.tolist(), strict=True)]
        twice = sum(count - 1 for count in Counter(rows).values())
        if twice:
            found.append(finding(sample, "warning", "box-twice", f"{twice} boxes are there twice, of the same class"))
        seen = limits if self.tiling is None else np.asarray(self.tiling.size, np.float32)
        sides = truth.counted.boxes[:, 2:] - truth.counted.boxes[:, :2]
        at_input = (sides * (np.asarray(self.size, np.float32) / seen)).min(axis=1, initial=np.inf)
        values = {SIDE: at_input[np.isfinite(at_input)]}
        if self.tiling is not None:
            values[LARGE] = (sides > seen).any(axis=1)
            values[TILES] = [len(self.tiling.corners((height, width)))]
        return Look(sample, (height, width), found, values)

    def of_split(self, split: ImageSplit[LabelledObjects], looks: Sequence[Look[LabelledObjects]]) -> list[Finding]:
        """Boxes too small to be seen, images without any, and classes that are rare or missing."""
        found = []
        sides = measures(looks, SIDE)
        tiny = int((sides < TINY).sum())
        if tiny:
            (width, height), what = self.size, "images whole, as" if self.tiling is None else "a tile as"
            reason = (
                f"{tiny} of {len(sides)} boxes have a side below {TINY:g} pixels where the network sees {what} {width} "
                f"x {height}: the smallest has {sides.min():.1f}"
            )
            found.append(Finding(split.file, 0, "warning", "box-tiny", reason))
        large = int(measures(looks, LARGE).sum())
        if large:
            reason = f"{large} of {len(sides)} boxes are larger than a tile, which sees them in parts alone"
            found.append(Finding(split.file, 0, "warning", "box-larger-than-tile", reason))
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
            **({} if self.tiling is None else {"tiles": int(measures(looks, TILES).sum())}),
        }

    def _by_class(self, counts: Counter[int]) -> dict[str, Any]:
        """Boxes of each class, or how many there are of one where the classes are many."""
        if len(self.labels) > MAX_LISTED:
            return {"boxes_of_a_class": percentiles([counts[number] for number in range(len(self.labels))])}
        return {f"boxes of {name}": counts[number] for number, name in enumerate(self.labels)}

    def _counts(self, split: ImageSplit[LabelledObjects]) -> Counter[int]:
        return Counter(number for sample in split.samples for number in sample.truth.counted.classes.tolist())
