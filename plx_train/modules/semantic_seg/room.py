"""Semantic segmentation, as the core knows it without its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import Truth
from plx_train.ground.errors import ConfigError
from plx_train.metrics.segmentation import SegmentationMetric
from plx_train.modules.semantic_seg.config import SemanticSegConfig
from plx_train.modules.semantic_seg.processor import SemanticSegProcessor
from plx_train.nn.segmentation.names import INPUTS
from plx_train.vision.check import ImageData
from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.draw_masks import draw_mask, draw_overlay
from plx_train.vision.labels.masks import Mask, MaskedImage, read_masks
from plx_train.vision.mask_check import MaskCheck
from plx_train.vision.masks import UNCOUNTED
from plx_train.vision.named_classes import NamedClassesRoom
from plx_train.vision.segments import Segments, pseudo_mask

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.semantic_seg.module import SemanticSeg


class SemanticSegRoom(NamedClassesRoom[SemanticSegConfig, MaskedImage, SemanticSegProcessor]):
    """Says the class of each pixel of an image."""

    contract = 1
    name = "semantic_seg"
    options = SemanticSegConfig
    kind = Truth.MASKS
    processor = SemanticSegProcessor
    metric = SegmentationMetric
    monitor = "mIoU"
    wanted = "images/*.jpg, annotations/*.png, label.txt"
    num_pictures = 6
    no_truth = Mask()
    pool_schedule = "rounds"

    def check_options(self, options: SemanticSegConfig, dataset: DatasetOptions) -> None:
        """Refuses a pool of images that are seen window by window."""
        if options.windows and dataset.pool:
            raise ConfigError("dataset.pool needs images that are seen whole: leave module.windows=true out")

    def read_file(
        self, path: Path, root: Path, options: SemanticSegConfig, classes: Sequence[str] | None
    ) -> tuple[list[MaskedImage], list[Finding]]:
        """The images of a label file with their masks."""
        return read_masks(path, root, classes)

    def fit(
        self, data: ImageData[MaskedImage], dataset: DatasetOptions, options: SemanticSegConfig, weights: str | None
    ) -> SemanticSegProcessor | None:
        """The processing that the options ask for, with the classes of the label file or of the training masks."""
        if data.faults or not data.train.samples:
            return None
        labels = data.classes or tuple(map(str, range(_largest(data.train.samples) + 1)))
        given = INPUTS[options.network]
        width, height = options.size
        return SemanticSegProcessor(
            labels=labels,
            size=(width, height),
            tile=(width, height) if options.windows else None,
            overlap=max(round(options.overlap * min(width, height)), 1) if options.windows else 0,
            mean=tuple(options.mean or given.mean),
            std=tuple(options.std or given.std),
        )

    def unlabelled(self, image: Path, where: str) -> MaskedImage:
        """The image with nothing marked."""
        return MaskedImage(image, self.no_truth, where)

    def doubting(self, processor: SemanticSegProcessor) -> SemanticSegProcessor:
        """`processor` that tells how far classes are ahead."""
        return replace(processor, tells_doubt=True)

    def pseudo_label(self, processor: SemanticSegProcessor, prediction: Segments) -> PseudoLabel:
        """The class of each pixel, but where it is in doubt."""
        return pseudo_mask(prediction)

    def rules(self, processor: SemanticSegProcessor, options: SemanticSegConfig) -> MaskCheck:
        """What is looked for in a dataset."""
        return MaskCheck(processor.labels, self.name)

    def draw_sample(self, sample: MaskedImage) -> np.ndarray:
        """The image with the class of each pixel, by number."""
        image = sample.read()
        mask = sample.truth.of((image.shape[0], image.shape[1]))
        count = int(mask[mask < UNCOUNTED].max(initial=0)) + 1
        return draw_mask(image, mask, [str(number) for number in range(count)])

    def overlay(
        self, processor: SemanticSegProcessor, original: np.ndarray, prediction: Segments, truth: Any = None
    ) -> np.ndarray:
        """The image in the classes' colours; with `truth`, wrong pixels are red."""
        mask = None if truth is None else truth.of((original.shape[0], original.shape[1]))
        return draw_overlay(original, prediction.classes, mask, processor.labels)

    def build(
        self, options: SemanticSegConfig, processor: SemanticSegProcessor, checked: object, is_fine_tuning: bool
    ) -> SemanticSeg:
        """The module."""
        from plx_train.modules.semantic_seg.module import SemanticSeg

        return SemanticSeg(options, processor, is_fine_tuning)

    def model_name(self, options: SemanticSegConfig) -> str:
        """Name in the exported ``inference.yml``."""
        return options.model_name or INPUTS[options.network].paddlex or options.network

    def pretrained(self, options: SemanticSegConfig) -> str | None:
        """Weights of the network's backbone that ``weights=auto`` stands for."""
        return INPUTS[options.network].weights


def _largest(samples: Sequence[MaskedImage]) -> int:
    """The largest number of a class in masks; those that can't be read are told by the check."""
    found = 0
    for sample in samples:
        try:
            mask = sample.truth.of((1, 1))
        except ImageError:
            continue
        found = max(found, int(mask[mask < UNCOUNTED].max(initial=0)))
    return found
