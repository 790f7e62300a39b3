"""Image classification, as the core knows it without its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import Truth
from plx_train.data.splits import CheckedDocuments
from plx_train.modules.image_cls.check import ImageClsCheck, rotation_names
from plx_train.modules.image_cls.config import ImageClsConfig
from plx_train.modules.image_cls.labels import ClsLabel, read_images, read_samples, turned_samples
from plx_train.modules.image_cls.metric import ImageClsMetric
from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.vision.answers import Answers
from plx_train.vision.check import ImageData
from plx_train.vision.classifier import ClassifierRoom
from plx_train.vision.draw import draw_answers

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.image_cls.module import ImageCls


class ImageClsRoom(ClassifierRoom[ImageClsConfig, ClsLabel, ImageClsProcessor]):
    """Says which of several classes an image shows."""

    contract = 1
    name = "image_cls"
    options = ImageClsConfig
    processor = ImageClsProcessor
    metric = ImageClsMetric
    monitor = "accuracy"
    pool_schedule = "rounds"
    retired_options = frozenset({"classes", "weight_of_class"})

    def check_options(self, options: ImageClsConfig, dataset: DatasetOptions) -> None:
        """Refuses rotations that can't be made."""
        if options.rotations:
            rotation_names(options)

    def truth(self, options: ImageClsConfig) -> Truth | None:
        """A class; none where the classes are made by turning."""
        return None if options.rotations else Truth.CLASS

    def read_classes(
        self, root: Path, dataset: DatasetOptions, options: ImageClsConfig
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...], tuple[Finding, ...]]:
        """The classes that ``label.txt`` names; none where they are made by turning."""
        return (None, (), ()) if options.rotations else super().read_classes(root, dataset, options)

    def read_file(
        self, path: Path, root: Path, options: ImageClsConfig, classes: Sequence[str] | None
    ) -> tuple[list[ClsLabel], list[Finding]]:
        """The images of a label file with their classes; where these are made by turning, the images alone."""
        samples, file = read_images(path, root) if options.rotations else read_samples(path, root, classes)
        return samples, file.findings

    def classes(self, data: ImageData[ClsLabel], options: ImageClsConfig) -> Sequence[str]:
        """Names of the classes, by number."""
        return rotation_names(options) if options.rotations else super().classes(data, options)

    def rules(self, processor: ImageClsProcessor, options: ImageClsConfig) -> ImageClsCheck:
        """What is looked for in a dataset."""
        return ImageClsCheck(processor.labels, options)

    def check(
        self,
        data: ImageData[ClsLabel],
        processor: ImageClsProcessor | None,
        dataset: DatasetOptions,
        options: ImageClsConfig,
    ) -> CheckedDocuments[ClsLabel]:
        """Everything that is wrong or odd in a dataset, and the samples without errors, turned where that is asked."""
        checked = super().check(data, processor, dataset, options)
        if not options.rotations or processor is None:
            return checked
        train, val = (
            turned_samples(images, options.rotations, processor.labels) for images in (checked.train, checked.val)
        )
        return replace(checked, train=train, val=val)

    def settings(self, options: ImageClsConfig, labels: Sequence[str]) -> dict[str, Any]:
        """Scores as they are trained."""
        return {"temperature": 1.0}

    def truth_text(self, sample: ClsLabel) -> str:
        """Number and name of the class."""
        return f"{sample.truth}: {sample.class_name}"

    def classes_in(self, sample: ClsLabel) -> Sequence[int]:
        """The one."""
        return (sample.truth,)

    def unlabelled(self, image: Path, where: str) -> ClsLabel:
        """An image of the first class, which nobody reads."""
        return ClsLabel(image, 0, where, "")

    def pseudo_label(self, processor: ImageClsProcessor, prediction: Answers) -> PseudoLabel:
        """The likeliest class, as sure as it is probable."""
        best = int(prediction.all_scores.argmax())
        scores = prediction.all_scores
        return PseudoLabel(processor.labels[best], float(scores[best]), (best,), scores)

    def overlay(
        self, processor: ImageClsProcessor, original: np.ndarray, prediction: Answers, truth: Any = None
    ) -> np.ndarray:
        """The image with its likeliest classes under it."""
        return draw_answers(original, prediction, None if truth is None else (truth,), processor.labels)

    def build(
        self,
        options: ImageClsConfig,
        processor: ImageClsProcessor,
        checked: CheckedDocuments[ClsLabel] | None,
        is_fine_tuning: bool,
    ) -> ImageCls:
        """The module; balanced weights of classes are those of the training samples."""
        from plx_train.modules.image_cls.module import ImageCls

        return ImageCls(options, processor, checked, is_fine_tuning)
