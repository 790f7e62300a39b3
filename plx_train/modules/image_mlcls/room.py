"""Multi-label classification, as the core knows it without its network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import Truth
from plx_train.data.classes import listed
from plx_train.metrics.multilabel import HOLDS, LabelMetric
from plx_train.modules.image_mlcls.config import ImageMlclsConfig
from plx_train.modules.image_mlcls.labels import Labels, read_samples
from plx_train.modules.image_mlcls.processor import ImageMlclsProcessor
from plx_train.vision.answers import Answers
from plx_train.vision.check import ImageSplit
from plx_train.vision.classifier import ClassifierRoom
from plx_train.vision.draw import draw_answers
from plx_train.vision.named_classes import NamedClassesCheck
from plx_train.vision.samples import LabelledImage
from plx_train.vision.twins import finding

if TYPE_CHECKING:
    from plx_train.modules.image_mlcls.module import ImageMlcls

Picture = LabelledImage[Labels]


class ImageMlclsCheck(NamedClassesCheck[Picture]):
    """What is looked for in a dataset."""

    room, truth = "image_mlcls", "label"

    def of_split(self, split: ImageSplit[Picture], looks: Any) -> list[Finding]:
        """Images with another number of labels, or else labels that no image has."""
        others = [
            finding(sample, "error", "label-count", f"there are {len(sample.truth)} labels, not {len(self.classes)}")
            for sample in split.samples
            if len(sample.truth) != len(self.classes)
        ]
        if others or not split.samples:
            return others
        held = np.any([sample.truth for sample in split.samples], axis=0)
        never = [name for name, is_held in zip(self.classes, held, strict=True) if not is_held]
        reason = f"labels that none of {len(split.samples)} images has: {listed(never)}"
        return [Finding(split.file, 0, "warning", "label-never", reason)] if never else []

    def statistics(self, split: ImageSplit[Picture], names: Sequence[str], looks: Any) -> dict[str, Any]:
        """Numbers of images and of labels on them."""
        counts = [sum(sample.truth) for sample in split.samples]
        return {"images": len(counts), "labels": sum(counts), "images_without_label": counts.count(0)}


class ImageMlclsRoom(ClassifierRoom[ImageMlclsConfig, Picture, ImageMlclsProcessor]):
    """Says which of several labels hold for an image."""

    contract = 1
    name = "image_mlcls"
    options = ImageMlclsConfig
    kind = Truth.LABELS
    processor = ImageMlclsProcessor
    metric = LabelMetric
    monitor = "mAP"
    pool_schedule = "rounds"

    def read_file(
        self, path: Path, root: Path, options: ImageMlclsConfig, classes: Sequence[str] | None
    ) -> tuple[list[Picture], list[Finding]]:
        """The images of a label file with their labels."""
        samples, file = read_samples(path, root, classes)
        return samples, file.findings

    def num_classes(self, samples: Sequence[Picture]) -> int:
        """Labels of an image."""
        return len(samples[0].truth) if samples else 1

    def settings(self, options: ImageMlclsConfig, labels: Sequence[str]) -> dict[str, Any]:
        """One threshold for all labels."""
        return {"thresholds": (options.threshold,) * len(labels)}

    def rules(self, processor: ImageMlclsProcessor, options: ImageMlclsConfig) -> ImageMlclsCheck:
        """What is looked for in a dataset."""
        return ImageMlclsCheck(processor.labels)

    def classes_in(self, sample: Picture) -> Sequence[int]:
        """Numbers of the labels that hold."""
        return [int(place) for place in np.flatnonzero(sample.truth)]

    def pseudo_label(self, processor: ImageMlclsProcessor, prediction: Answers) -> PseudoLabel:
        """The labels that hold, as sure as the labels are on average, far from their thresholds."""
        scores = prediction.all_scores
        held = tuple(int(place) for place in np.flatnonzero(scores >= HOLDS))
        names = tuple(processor.labels[place] for place in held)
        return PseudoLabel(names, float(np.maximum(scores, 1 - scores).mean()), held, scores)

    def truth_text(self, sample: Picture) -> str:
        """Numbers of the labels that hold."""
        return ", ".join(str(place) for place in np.flatnonzero(sample.truth)) or "no label"

    def overlay(
        self, processor: ImageMlclsProcessor, original: np.ndarray, prediction: Answers, truth: Any = None
    ) -> np.ndarray:
        """The image with its labels and their scores under it."""
        held = None if truth is None else np.flatnonzero(truth).tolist()
        return draw_answers(original, prediction, held, processor.labels)

    def build(
        self, options: ImageMlclsConfig, processor: ImageMlclsProcessor, checked: object, is_fine_tuning: bool
    ) -> ImageMlcls:
        """The module."""
        from plx_train.modules.image_mlcls.module import ImageMlcls

        return ImageMlcls(options, processor, is_fine_tuning)
