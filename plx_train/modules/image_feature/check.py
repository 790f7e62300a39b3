"""What a dataset of image features is looked at for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.data.classes import listed
from plx_train.metrics.retrieval import GALLERY, QUERY
from plx_train.vision.check import ImageCheck, ImageData, ImageSplit, Look
from plx_train.vision.labels.pairs import pair_findings
from plx_train.vision.things import PAIR, ThingImage


@dataclass(frozen=True)
class ImageFeatureCheck(ImageCheck[ThingImage]):
    """The room's part of the check."""

    room, truth = "image_feature", "class"

    def same_truth(self, first: Any, second: Any) -> bool:
        """Whether two images are of one class, or of pairs, where equal pictures may stand for one person."""
        return bool(first.name == second.name or PAIR in (first.role, second.role))

    def of_both(self, data: ImageData[ThingImage]) -> list[Finding]:
        """What nothing can be learned from or measured by, and classes that are both trained and measured."""
        train = Counter(sample.truth.name for sample in data.train.samples)
        names = {role: _names(data.val.samples, role) for role in (GALLERY, QUERY)}
        findings = []
        if len(train) == 1:
            reason = (
                f"all {train.total()} training images are of one class, {next(iter(train))}: there is nothing apart"
            )
            findings.append(Finding(data.train.file, 0, "error", "one-class", reason))
        if train and max(train.values()) == 1:
            reason = "no class has two training images: what is alike in images of one class can't be learned"
            findings.append(Finding(data.train.file, 0, "warning", "classes-of-one", reason))
        if mates := [mate.is_same for sample in data.val.samples for mate in sample.truth.mates]:
            findings += pair_findings(data.val.file, mates)
        elif data.val.samples and not names[GALLERY] & names[QUERY]:
            reason = "no class is both known and looked for: nothing can be found, so nothing is measured"
            findings.append(Finding(data.val.file, 0, "error", "nothing-to-find", reason))
        elif alone := sorted(names[QUERY] - names[GALLERY]):
            reason = f"{len(alone)} classes are looked for that the gallery does not have: {listed(alone)}"
            findings.append(Finding(data.val.file, 0, "warning", "query-unknown", reason))
        both = sorted((names[GALLERY] | names[QUERY]) & set(train))
        if both:
            reason = f"{len(both)} classes are trained on and measured by, so figures flatter: {listed(both)}"
            findings.append(Finding(data.val.file, 0, "warning", "class-trained-on", reason))
        return findings

    def statistics(
        self, split: ImageSplit[ThingImage], names: Sequence[str], looks: Sequence[Look[ThingImage]]
    ) -> dict[str, Any]:
        """Numbers of images and classes."""
        counts = Counter(sample.truth.name for sample in split.samples)
        values = np.asarray(sorted(counts.values()) or [0])
        spread = {"min": int(values[0]), "p50": float(np.median(values)), "max": int(values[-1])}
        roles = Counter(sample.truth.role for sample in split.samples)
        shares = {role: roles[role] for role in (GALLERY, QUERY) if roles[role]}
        if roles[PAIR]:
            mates = [mate.is_same for sample in split.samples for mate in sample.truth.mates]
            return {"images": len(split.samples), "pairs": len(mates), "same": sum(mates)}
        return {"images": len(split.samples), **shares, "classes": len(counts), "images_per_class": spread}


def _names(samples: Sequence[ThingImage], role: str) -> set[str]:
    return {sample.truth.name for sample in samples if sample.truth.role == role}
