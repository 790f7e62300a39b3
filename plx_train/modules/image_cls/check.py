"""What a dataset of image classification is looked at for, and what its samples say of the classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.data.classes import imbalance_findings, listed
from plx_train.ground.errors import ConfigError
from plx_train.modules.image_cls.config import ImageClsConfig
from plx_train.modules.image_cls.labels import QUARTER, ClsLabel
from plx_train.vision.check import ImageData, ImageSplit, Look
from plx_train.vision.named_classes import NamedClassesCheck
from plx_train.vision.twins import finding


@dataclass(frozen=True)
class ImageClsCheck(NamedClassesCheck[ClsLabel]):
    """The room's part of the check."""

    options: ImageClsConfig
    room = "image_cls"
    truth = "class"

    def settings(self) -> dict[str, Any]:
        """Classes and rotations."""
        return super().settings() | {"rotations": self.options.rotations}

    def of_split(self, split: ImageSplit[ClsLabel], looks: Sequence[Look[ClsLabel]]) -> list[Finding]:
        """Classes that a finished model does not know."""
        most = len(self.classes)
        return [
            finding(sample, "error", "label-unknown", f"there is no class {sample.truth}: the model knows {most}")
            for sample in split.samples
            if sample.truth >= most
        ]

    def of_both(self, data: ImageData[ClsLabel]) -> list[Finding]:
        """Classes that are rare, or missing in a split."""
        if self.options.rotations:
            return []
        train, val = (Counter(sample.truth for sample in split.samples) for split in (data.train, data.val))
        findings = super().of_both(data)
        if len(train) == 1:
            reason = (
                f"all {train.total()} training images are of one class, {self.classes[next(iter(train))]}: there is "
                "nothing to tell apart; name a class for each line, or the other classes' lines are missing"
            )
            findings.append(Finding(data.train.file, 0, "error", "one-class", reason))
        unseen = [name for number, name in enumerate(self.classes) if val[number] and not train[number]]
        if unseen:
            reason = f"{len(unseen)} classes are in validation but never trained on: {listed(unseen)}"
            findings.append(Finding(data.val.file, 0, "warning", "class-not-trained", reason))
        empty = [name for number, name in enumerate(self.classes) if not train[number]]
        if empty and train:
            reason = f"{len(empty)} of {len(self.classes)} classes have no training image: {listed(empty)}"
            findings.append(Finding(data.train.file, 0, "warning", "class-empty", reason))
        return findings + imbalance_findings(data.train.file, train, "images")

    def statistics(
        self, split: ImageSplit[ClsLabel], names: Sequence[str], looks: Sequence[Look[ClsLabel]]
    ) -> dict[str, Any]:
        """Numbers of images and classes."""
        if self.options.rotations:
            return {"images": len(split.samples), "samples": len(split.samples) * len(self.options.rotations)}
        counts = Counter(sample.truth for sample in split.samples)
        values = np.asarray(sorted(counts.values()) or [0])
        spread = {"min": int(values[0]), "p50": float(np.median(values)), "max": int(values[-1])}
        return {"images": len(split.samples), "classes": len(counts), "images_per_class": spread}


def rotation_names(options: ImageClsConfig) -> list[str]:
    """Names of the classes that turning makes.

    Raises:
        ConfigError: the rotations can't be made, or have other names than rotations.
    """
    rotations = options.rotations or []
    names = options.rotation_names or [str(degrees) for degrees in rotations]
    if any(degrees % QUARTER or not 0 <= degrees < 360 for degrees in rotations) or len(set(rotations)) < 2:
        raise ConfigError(f"module.rotations must be two or more of 0, 90, 180 and 270, not {rotations}")
    if len(names) != len(rotations):
        raise ConfigError(f"module.rotation_names has {len(names)} names for {len(rotations)} rotations")
    return names
