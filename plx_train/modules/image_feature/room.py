"""Image features, as the core knows them without their network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.truth import Truth
from plx_train.ground.errors import ConfigError
from plx_train.metrics.retrieval import GALLERY, QUERY, RetrievalMetric
from plx_train.modules.image_feature.check import ImageFeatureCheck
from plx_train.modules.image_feature.config import ImageFeatureConfig
from plx_train.modules.image_feature.labels import CheckedPictures, in_turns, numbered, read_pictures
from plx_train.modules.image_feature.processor import Feature, ImageFeatureProcessor
from plx_train.vision.check import ImageData, ImageSplit
from plx_train.vision.classifier import ClassifierRoom
from plx_train.vision.draw import GREY, draw_captions
from plx_train.vision.labels.pairs import read_pairs
from plx_train.vision.things import TRAIN, ThingImage

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.image_feature.module import ImageFeature


class ImageFeatureRoom(ClassifierRoom[ImageFeatureConfig, ThingImage, ImageFeatureProcessor]):
    """Gives images features by which those of one class, trained on or not, are found among others."""

    contract = 1
    name = "image_feature"
    options = ImageFeatureConfig
    kind = Truth.CLASS
    processor = ImageFeatureProcessor
    metric = RetrievalMetric
    monitor = "recall1"

    def check_options(self, options: ImageFeatureConfig, dataset: DatasetOptions) -> None:
        """Refuses images that are of two classes at once."""
        if options.augment.mixup or options.augment.cutmix:
            raise ConfigError("module.augment.mixup and cutmix make images of two classes: leave them out here")
        if options.pairs and dataset.corrections:
            raise ConfigError("dataset.corrections are of classes, not of pairs: leave them or module.pairs out")

    def read_file(
        self, path: Path, root: Path, options: ImageFeatureConfig, classes: Sequence[str] | None
    ) -> tuple[list[ThingImage], list[Finding]]:
        """The images of a label file with their classes."""
        return read_pictures(path, root, classes, options.pairs)

    def read_val_file(
        self, path: Path, root: Path, options: ImageFeatureConfig, classes: Sequence[str] | None
    ) -> tuple[list[ThingImage], list[Finding]]:
        """The same, or the images of pairs."""
        return read_pairs(path, root) if options.pairs else self.read_file(path, root, options, classes)

    def read(self, dataset: DatasetOptions, options: ImageFeatureConfig) -> ImageData[ThingImage]:
        """The samples that the label files name, the trained classes numbered without gaps.

        Where the file of validation is missing, gallery and query stand for it; of it, every other image is known.
        """
        root, own = Path(dataset.root).expanduser(), dataset.label_folder is None
        # Files that were written for a run name classes, and images by their place in the dataset's folder.
        options = options if own else replace(options, pairs=False)
        if options.pairs:
            data = super().read(dataset, options)
            val = data.val
        elif not own or (root / dataset.val).is_file() or not (root / options.query).is_file():
            data = super().read(dataset, options)
            val = replace(data.val, samples=in_turns(data.val.samples))
        else:
            data = super().read(replace(dataset, val=options.query), options)
            val = self._with_gallery(data, dataset, options)
        numbers = sorted({sample.truth.number for sample in data.train.samples})
        others = sorted({sample.truth.number for sample in val.samples} - set(numbers))
        named = {sample.truth.number: sample.truth.name for sample in data.train.samples}
        train = replace(data.train, samples=numbered(data.train.samples, numbers))
        val = replace(val, samples=numbered(val.samples, [*numbers, *others]))
        has_gallery = val.file == options.query and (root / options.gallery).is_file()
        files = (*data.files, options.gallery) if has_gallery else data.files
        names = tuple(named[number] for number in numbers)
        return replace(data, train=train, val=val, classes=names or None, files=files)

    def _with_gallery(
        self, data: ImageData[ThingImage], dataset: DatasetOptions, options: ImageFeatureConfig
    ) -> ImageSplit[ThingImage]:
        """The queries behind the images of the gallery's file."""
        if data.faults:
            return data.val
        root = Path(dataset.root).expanduser()
        known, findings = self.read_file(root / options.gallery, root, options, data.classes)
        known = [replace(sample, background=dataset.background) for sample in known]
        samples = [
            replace(sample, truth=replace(sample.truth, role=role))
            for split, role in ((known, GALLERY), (data.val.samples, QUERY))
            for sample in split
        ]
        return replace(data.val, samples=samples, findings=[*findings, *data.val.findings])

    def check(
        self,
        data: ImageData[ThingImage],
        processor: ImageFeatureProcessor | None,
        dataset: DatasetOptions,
        options: ImageFeatureConfig,
    ) -> CheckedPictures:
        """Everything that is wrong or odd in a dataset, and the samples without errors."""
        checked = super().check(data, processor, dataset, options)
        return CheckedPictures(checked.report, checked.train, checked.val)

    def rules(self, processor: ImageFeatureProcessor, options: ImageFeatureConfig) -> ImageFeatureCheck:
        """What is looked for in a dataset."""
        return ImageFeatureCheck()

    def known_classes(self, processor: ImageFeatureProcessor) -> Sequence[str]:
        """None: images of all classes have features."""
        return ()

    def settings(self, options: ImageFeatureConfig, labels: Sequence[str]) -> dict[str, Any]:
        """The threshold of the options."""
        return {"threshold": options.threshold}

    def truth_text(self, sample: ThingImage) -> str:
        """The class, and what the image is for where that is not to be trained on."""
        role = sample.truth.role
        return sample.truth.name if role == TRAIN else f"{sample.truth.name} ({role})"

    def classes_in(self, sample: ThingImage) -> Sequence[int]:
        """The one."""
        return (sample.truth.number,)

    def overlay(
        self, processor: ImageFeatureProcessor, original: np.ndarray, prediction: Feature, truth: Any = None
    ) -> np.ndarray:
        """The image with its class under it."""
        name = "class unknown" if truth is None else f"{truth.name} ({truth.role})"
        return draw_captions(original, [(name, GREY)])

    def build(
        self,
        options: ImageFeatureConfig,
        processor: ImageFeatureProcessor,
        checked: object,
        is_fine_tuning: bool,
    ) -> ImageFeature:
        """The module."""
        from plx_train.modules.image_feature.module import ImageFeature

        return ImageFeature(options, processor, is_fine_tuning)
