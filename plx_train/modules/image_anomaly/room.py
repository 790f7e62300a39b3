"""Anomaly detection in images, as the core knows it without its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.truth import Truth
from plx_train.data.splits import CheckedDocuments
from plx_train.ground.errors import ConfigError
from plx_train.metrics.defects import DefectMetric
from plx_train.modules.image_anomaly.config import ImageAnomalyConfig
from plx_train.modules.image_anomaly.overlay import draw_overlay, draw_truth
from plx_train.modules.image_anomaly.processor import (
    UNCHOSEN,
    UNCHOSEN_RULE,
    AnomalyPrediction,
    ImageAnomalyProcessor,
)
from plx_train.nn.anomaly.names import PRETRAINED
from plx_train.vision.check import ImageData
from plx_train.vision.defect_check import CheckedPictures, DefectCheck, check_kinds
from plx_train.vision.defects import DefectImage
from plx_train.vision.labels.defects import read_samples
from plx_train.vision.room import ImageRoom

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.image_anomaly.module import ImageAnomaly

STRIDES = (4, 8, 16)


class ImageAnomalyRoom(ImageRoom[ImageAnomalyConfig, DefectImage, ImageAnomalyProcessor]):
    """Says where an image is not like the good ones that it was shown."""

    contract = 1
    name = "image_anomaly"
    options = ImageAnomalyConfig
    processor = ImageAnomalyProcessor
    metric = DefectMetric
    monitor = "image_auroc"
    kind = Truth.DEFECT
    wanted = "train/good/*.png"

    def check_options(self, options: ImageAnomalyConfig, dataset: DatasetOptions) -> None:
        """Refuses strides of which there are no features."""
        other = next((stride for stride in options.strides if stride not in STRIDES), None)
        if other is not None or len({*options.strides}) < len(options.strides):
            raise ConfigError(f"module.strides={options.strides}: each must be one of {STRIDES}, and none twice")

    def read_file(
        self, path: Path, root: Path, options: ImageAnomalyConfig, classes: Sequence[str] | None
    ) -> tuple[list[DefectImage], list[Finding]]:
        """The images of a label file, and what they show."""
        samples, file = read_samples(path, root)
        return samples, file.findings

    def fit(
        self, data: ImageData[DefectImage], dataset: DatasetOptions, options: ImageAnomalyConfig, weights: str | None
    ) -> ImageAnomalyProcessor | None:
        """The processing that the options ask for."""
        if data.faults:
            return None
        width, height = options.size
        return ImageAnomalyProcessor((width, height), tuple(options.mean), tuple(options.std))

    def check(
        self,
        data: ImageData[DefectImage],
        processor: ImageAnomalyProcessor | None,
        dataset: DatasetOptions,
        options: ImageAnomalyConfig,
    ) -> CheckedDocuments[DefectImage]:
        """Everything that is wrong or odd in a dataset, and the samples without errors."""
        return check_kinds(data, super().check(data, processor, dataset, options))

    def rules(self, processor: ImageAnomalyProcessor, options: ImageAnomalyConfig) -> DefectCheck:
        """What is looked for in a dataset."""
        return DefectCheck(self.name)

    def official(self, processor: ImageAnomalyProcessor, options: ImageAnomalyConfig) -> ImageAnomalyProcessor:
        """`processor` before a threshold is chosen."""
        return replace(processor, threshold=UNCHOSEN, rule=UNCHOSEN_RULE)

    def pretrained(self, options: ImageAnomalyConfig) -> str | None:
        """ImageNet weights of the backbone, where they can be had."""
        return options.backbone if options.backbone in PRETRAINED else None

    def draw_sample(self, sample: DefectImage) -> np.ndarray:
        """The image with its defect outlined, and its kind under it."""
        return draw_truth(sample.read(), sample.truth)

    def overlay(
        self, processor: ImageAnomalyProcessor, original: np.ndarray, prediction: AnomalyPrediction, truth: Any = None
    ) -> np.ndarray:
        """The image with its heat map and outlines of defects."""
        return draw_overlay(original, prediction, truth)

    def build(
        self,
        options: ImageAnomalyConfig,
        processor: ImageAnomalyProcessor,
        checked: CheckedDocuments[DefectImage] | None,
        is_fine_tuning: bool,
    ) -> ImageAnomaly:
        """The module."""
        from plx_train.modules.image_anomaly.module import ImageAnomaly

        assert checked is None or isinstance(checked, CheckedPictures)
        return ImageAnomaly(options, processor, bool(checked and checked.is_planted), is_fine_tuning)
