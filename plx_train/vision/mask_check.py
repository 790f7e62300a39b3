"""What is looked for in a dataset of masks, beside what all datasets of images are checked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.data.classes import IMBALANCE, listed
from plx_train.vision.check import ImageSplit, Look, measures, percentiles, sizes_of
from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.labels.masks import Mask, MaskedImage
from plx_train.vision.masks import UNCOUNTED
from plx_train.vision.named_classes import NamedClassesCheck
from plx_train.vision.twins import finding

PIXELS = "pixels"
LEVELS = 256
MAX_LISTED = 20
"""Classes that are listed one by one."""


@dataclass(frozen=True)
class MaskCheck(NamedClassesCheck[MaskedImage]):
    """What is looked for in a dataset.

    Attributes:
        room: its name.
    """

    room: str
    truth = "mask"

    def look(self, sample: MaskedImage, image: np.ndarray) -> Look[MaskedImage]:
        """A mask that can't be read, is of another size or holds numbers of no class; pixels of each number."""
        shape = image.shape[0], image.shape[1]
        try:
            mask = sample.truth.of(shape)
        except ImageError as error:
            return Look(sample, shape, [finding(sample, "error", error.code, f"{error.path.name}: {error.reason}")])
        found = []
        if mask.shape != shape:
            reason = f"the mask has {mask.shape[1]} x {mask.shape[0]} pixels, its image {shape[1]} x {shape[0]}"
            found.append(finding(sample, "error", "mask-size", reason))
        counts = np.bincount(mask.ravel(), minlength=LEVELS)
        others = [int(number) for number in np.flatnonzero(counts[:UNCOUNTED]) if number >= len(self.classes)]
        if others:
            reason = (
                f"{int(counts[others].sum())} pixels of the mask have the numbers {listed(others)}, but there are "
                f"{len(self.classes)} classes, counted from 0"
            )
            found.append(finding(sample, "error", "mask-class", reason))
        if not counts[:UNCOUNTED].any():
            reason = f"all pixels of the mask are {UNCOUNTED}, which counts neither way"
            found.append(finding(sample, "warning", "mask-uncounted", reason))
        return Look(sample, shape, found, {PIXELS: counts})

    def same_truth(self, first: Mask, second: Mask) -> bool:
        """Whether two masks of one picture say the same; files of masks are compared as files."""
        if first.file is None or second.file is None:
            return first == second
        try:
            return first.file == second.file or np.array_equal(first.of((0, 0)), second.of((0, 0)))
        except ImageError:
            return True  # told of the mask that can't be read

    def of_split(self, split: ImageSplit[MaskedImage], looks: Sequence[Look[MaskedImage]]) -> list[Finding]:
        """Classes that are nowhere or rare, and masks of 0 and 255 alone."""
        counts = self._counts(looks)
        if not counts.sum():
            return []
        own, found = counts[: len(self.classes)], []
        if not counts[1:UNCOUNTED].any() and counts[UNCOUNTED] and counts[0]:
            reason = (
                f"the masks have no numbers but 0 and {UNCOUNTED}, which counts neither way: give what they show the "
                "number 1"
            )
            return [Finding(split.file, 0, "error", "mask-binary", reason)]
        never = [name for name, count in zip(self.classes, own, strict=True) if not count]
        if never:
            found.append(
                Finding(split.file, 0, "warning", "class-never", f"no pixel is of the classes {listed(never)}")
            )
        there = own[own > 0]
        if len(there) > 1 and there.max() >= IMBALANCE * there.min():
            rarest, share = self.classes[int(np.flatnonzero(own == there.min())[0])], there.min() / own.sum()
            reason = (
                f"{rarest} is {share:.2%} of the pixels, the largest class {there.max() / own.sum():.0%}: "
                "module.augment.rare shows rare ones more often"
            )
            found.append(Finding(split.file, 0, "warning", "imbalance", reason))
        return found

    def statistics(
        self, split: ImageSplit[MaskedImage], names: Sequence[str], looks: Sequence[Look[MaskedImage]]
    ) -> dict[str, Any]:
        """Numbers of images, shares of the classes' pixels in percent, and sizes."""
        counts, sizes = self._counts(looks), sizes_of(looks)
        shares = 100 * counts / max(counts.sum(), 1)
        own = shares[: len(self.classes)].round(2).tolist()
        of_classes = {f"percent of {name}": share for name, share in zip(self.classes, own, strict=True)}
        return {
            "images": len(split.samples),
            **({"percent_of_a_class": percentiles(own)} if len(own) > MAX_LISTED else of_classes),
            "percent uncounted": round(float(shares[UNCOUNTED]), 2),
            "image_height": percentiles(sizes[:, 0]),
            "image_width": percentiles(sizes[:, 1]),
        }

    def _counts(self, looks: Sequence[Look[MaskedImage]]) -> np.ndarray:
        """Pixels of each number, (256,)."""
        return measures(looks, PIXELS).reshape(-1, LEVELS).sum(axis=0)
