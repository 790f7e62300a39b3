"""Object detection, as the core knows it without its network."""

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
from plx_train.ground.errors import ConfigError, UserError
from plx_train.metrics.box_metric import BoxMetric
from plx_train.metrics.label_doubts import box_doubts
from plx_train.modules.object_det.config import ObjectDetConfig
from plx_train.modules.object_det.overlay import draw_overlay, draw_truth
from plx_train.modules.object_det.processor import ObjectDetProcessor
from plx_train.nn.detection.names import INPUTS, PUBLISHED, takes_shape
from plx_train.vision.box_check import BoxCheck
from plx_train.vision.check import ImageData
from plx_train.vision.labels.coco import NO_OBJECTS, LabelledObjects, read_categories, read_coco, renumbered
from plx_train.vision.objects import Detections, pseudo_label
from plx_train.vision.room import ImageRoom
from plx_train.vision.tiles import check_tiles, choose_tiling

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.object_det.module import ObjectDet


class ObjectDetRoom(ImageRoom[ObjectDetConfig, LabelledObjects, ObjectDetProcessor]):
    """Finds objects in images, with their boxes and classes."""

    contract = 1
    name = "object_det"
    options = ObjectDetConfig
    kind = Truth.BOXES
    processor = ObjectDetProcessor
    metric = BoxMetric
    monitor = "AP"
    pool_schedule = "rounds"
    doubts = staticmethod(box_doubts)
    wanted = "images/*.jpg"
    num_pictures = 6
    no_truth = NO_OBJECTS

    def check_options(self, options: ObjectDetConfig, dataset: DatasetOptions) -> None:
        """Refuses tiles of no size, and a name under which PaddleX would give the graph other inputs than it takes.

        Raises:
            ConfigError: it is one.
        """
        check_tiles(options.tiles)
        name = self.model_name(options)
        if takes_shape(name) != takes_shape(options.network):
            raise ConfigError(
                f"module.model_name={name} is of another family than module.network={options.network}: PaddleX would "
                "give the graph other inputs than it takes"
            )

    def read_classes(
        self, root: Path, dataset: DatasetOptions, options: ObjectDetConfig
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...], tuple[Finding, ...]]:
        """The classes that the training split names."""
        return read_categories(root / dataset.train), (), ()

    def class_names(
        self, dataset: DatasetOptions, options: ObjectDetConfig, processor: ObjectDetProcessor | None
    ) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
        """A finished model's classes."""
        return (processor.labels if processor else ()), ()

    def read_file(
        self, path: Path, root: Path, options: ObjectDetConfig, classes: Sequence[str] | None
    ) -> tuple[list[LabelledObjects], list[Finding]]:
        """The images of a COCO file with their objects."""
        return read_coco(path, root, classes)

    def fit(
        self, data: ImageData[LabelledObjects], dataset: DatasetOptions, options: ObjectDetConfig, weights: str | None
    ) -> ObjectDetProcessor | None:
        """The processing that the options ask for, with the classes of the training split."""
        if data.faults or not data.train.samples:
            return None
        labels = data.classes or ()
        given = INPUTS[options.network]
        width, height = options.size or given.size
        tiling = choose_tiling(data.train.samples, (width, height), options.tiles)
        return ObjectDetProcessor(
            labels=labels,
            size=(width, height),
            tile=tiling.size if tiling else None,
            overlap=tiling.overlap if tiling else 0,
            mean=tuple(options.mean or given.mean),
            std=tuple(options.std or given.std),
            thresholds=(options.threshold,) * len(labels),
            takes_shape=takes_shape(options.network),
        )

    def processor_of_weights(
        self,
        data: ImageData[LabelledObjects] | None,
        dataset: DatasetOptions,
        options: ObjectDetConfig,
        weights: str,
    ) -> ObjectDetProcessor | None:
        """The processing that the options ask for, with the classes of the label files.

        Raises:
            UserError: there are no label files.
        """
        if data is None:
            raise UserError(
                f"weights={weights} can't be used without label files that name the classes: give run=<run, checkpoint "
                "or exported folder>, which one has by mode=train, or by mode=export with these weights and a dataset"
            )
        return self.fit(data, dataset, options, weights)

    def check(
        self,
        data: ImageData[LabelledObjects],
        processor: ObjectDetProcessor | None,
        dataset: DatasetOptions,
        options: ObjectDetConfig,
    ) -> CheckedDocuments[LabelledObjects]:
        """Everything that is wrong or odd in a dataset, with the classes by the numbers that the model has for them."""
        return super().check(renumbered(data, processor.labels if processor else ()), processor, dataset, options)

    def classes_in(self, sample: LabelledObjects) -> Sequence[int]:
        """Numbers of the classes that its objects have."""
        return [int(one) for one in np.unique(sample.truth.counted.classes)]

    def known_classes(self, processor: ObjectDetProcessor) -> Sequence[str]:
        """The classes that it finds."""
        return processor.labels

    def pseudo_label(self, processor: ObjectDetProcessor, prediction: Detections) -> PseudoLabel:
        """The objects above their class's threshold and, counting neither way, those that come near it."""
        return pseudo_label(prediction, np.asarray(processor.thresholds), processor.labels)

    def rules(self, processor: ObjectDetProcessor, options: ObjectDetConfig) -> BoxCheck:
        """What is looked for in a dataset."""
        return BoxCheck(self.name, processor.labels, processor.size, processor.tiling)

    def draw_sample(self, sample: LabelledObjects) -> np.ndarray:
        """The image with its boxes."""
        return draw_truth(sample.read(), sample.truth)

    def overlay(
        self, processor: ObjectDetProcessor, original: np.ndarray, prediction: Detections, truth: Any = None
    ) -> np.ndarray:
        """The image with found, missed and false boxes on it."""
        return draw_overlay(original, prediction, truth, processor.labels)

    def official(self, processor: ObjectDetProcessor, options: ObjectDetConfig) -> ObjectDetProcessor:
        """`processor` with the one threshold that the options ask for."""
        return replace(processor, thresholds=(options.threshold,) * len(processor.labels))

    def build(
        self, options: ObjectDetConfig, processor: ObjectDetProcessor, checked: object, is_fine_tuning: bool
    ) -> ObjectDet:
        """The module."""
        from plx_train.modules.object_det.module import ObjectDet

        return ObjectDet(options, processor, is_fine_tuning)

    def model_name(self, options: ObjectDetConfig) -> str:
        """Name in the exported ``inference.yml``."""
        return options.model_name or INPUTS[options.network].paddlex or options.network

    def pretrained(self, options: ObjectDetConfig) -> str | None:
        """Weights that ``weights=auto`` stands for."""
        return PUBLISHED.get(options.network)
