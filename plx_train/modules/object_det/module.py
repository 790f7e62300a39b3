"""Object detection: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import State
from plx_train.contract.sample import Batch, Sample
from plx_train.contract.truth import Outline
from plx_train.distributed.ranks import total
from plx_train.metrics.box_errors import class_files
from plx_train.metrics.box_metric import BoxMetric
from plx_train.metrics.box_thresholds import best_thresholds
from plx_train.metrics.boxes import image_boxes
from plx_train.modules.object_det.config import ObjectDetConfig
from plx_train.modules.object_det.processor import ObjectDetProcessor
from plx_train.nn.detection.detector import TRAINING_ONLY, Detector
from plx_train.nn.detection.exported import FinishedDetector
from plx_train.nn.detection.recipes import recipe_of
from plx_train.nn.exported import name_tensors
from plx_train.vision.box_heads import rehead
from plx_train.vision.box_views import BoxViews
from plx_train.vision.heads import classes_of
from plx_train.vision.module import ImageModule
from plx_train.vision.objects import Objects, objects_of
from plx_train.vision.samples import ImageDataset, LabelledImage, planes
from plx_train.vision.tiled_processor import as_batch, few_at_a_time, images_in
from plx_train.vision.tiles import tiles_of

if TYPE_CHECKING:
    from paddle.static import InputSpec

    from plx_train.weights.fetch import WeightsSource


class ObjectDet(ImageModule[ObjectDetProcessor]):
    """The room's trainable side."""

    name, monitor, sample_value = "object_det", "AP", "harmonic mean of precision and recall"
    overlay_legend = "green: found; red: found where there is nothing; orange: missed"

    def __init__(self, options: ObjectDetConfig, processor: ObjectDetProcessor, is_fine_tuning: bool) -> None:
        self.options, self.processor, self.is_fine_tuning = options, processor, is_fine_tuning
        self.has_calibration = options.calibrate.thresholds
        self.freezes_norm = is_fine_tuning if options.freeze_norm is None else options.freeze_norm
        self.recipe = recipe_of(options.network)
        self.network = self._new_network()
        self.frozen_part = self.network.pretrained_part
        self.optional_weights = (*TRAINING_ONLY, *((rf"^(?!{self.frozen_part})",) if self.frozen_part else ()))
        self._finish = self._finished(self.network)
        self.criterion = self.recipe.criterion(self.network, total)

    def _new_network(self) -> Detector:
        network: Detector = self.recipe.build(len(self.processor.labels))
        return network

    def _finished(self, network: Detector) -> FinishedDetector:
        options = self.options
        return self.recipe.finished(network, self.processor.size[::-1], options.nms_threshold, options.max_boxes)

    def adapt_weights(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """`state` under the network's names, with rows for this run's classes, and what was kept of them in words."""
        state = self.network.own_names(state)
        if source.path.suffix == ".pdparams":
            state = self.network.as_computed(state)
        known = source.classes or classes_of(source.path) or ()
        target = self.network.class_tensors()
        if self.network.pretrained_part and not target.keys() & state.keys():
            return state, "the backbone alone"
        return rehead(state, known, self.processor.labels, target)

    def dataset(
        self, samples: Sequence[LabelledImage[Objects]], split: str, cache_mb: int
    ) -> ImageDataset[LabelledImage[Objects]]:
        """Images of one split; ``train`` gives changed ones, the others plain ones."""
        if split != "train":
            return ImageDataset(samples, self.processor)
        change, tiling = BoxViews(self.options.augment, self.processor.size), self.processor.tiling
        if tiling is not None:
            samples = tiles_of(samples, tiling, self.options.augment.min_visible)
        return ImageDataset(samples, self.processor, change, cache_mb * 2**20)

    def collate(self, samples: list[Sample]) -> Batch:
        """Training images as float32 arrays; their objects as lists."""
        return {
            "x": planes([sample.x for sample in samples], self.processor.normalise),
            "objects": [(sample.truth.boxes, sample.truth.classes) for sample in samples],
            "names": [sample.name for sample in samples],
        }

    def collate_eval(self, samples: list[Sample]) -> Batch:
        """What the graph takes; of an image in tiles that of all of them."""
        inputs = zip(*(as_batch(sample.x) for sample in samples), strict=True)
        return {"x": tuple(map(np.concatenate, inputs)), "names": [sample.name for sample in samples]}

    def forward(self, batch: Batch) -> Any:
        """What the criterion takes, in training; else rows and numbers of a few images, and of the next few."""
        x = batch["x"]
        if not isinstance(x, tuple):
            return self.network.learn(x, batch["objects"])
        return [self._finish(*(each[place] for each in x)) for place in few_at_a_time(tuple(images_in(x).shape))]

    def loss(self, outputs: Any, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalars ``loss`` and its parts."""
        losses = self.criterion(outputs, batch["objects"], tuple(batch["x"].shape[2:]))
        # Objects are matched over a batch as a whole, so it is trusted as a whole.
        trust = batch["weight"].mean() if "weight" in batch else None
        return losses if trust is None else {name: value * trust for name, value in losses.items()}

    def target(self, truth: Sequence[Outline], shape: tuple[int, int]) -> Objects:
        """The objects that outlines are."""
        return objects_of(truth, self.processor.labels)

    def outputs_to_numpy(self, outputs: Any) -> list[np.ndarray]:
        """Rows class, score, x1, y1, x2, y2 of each image, float32 (M, 6); of one in tiles with their number before."""
        found = (self.processor.split_outputs([each.numpy() for each in some]) for some in outputs)
        return self.processor.outputs_of(list(chain.from_iterable(found)))

    def new_metric(self) -> BoxMetric:
        """An empty metric."""
        return BoxMetric(len(self.processor.labels))

    def calibrate(self, outputs: list[np.ndarray], samples: list[Sample]) -> ObjectDetProcessor:
        """The processor with each class's threshold of best F1, or of the precision asked for, on held-out images."""
        found = (self.processor.postprocess(rows, each.context) for rows, each in zip(outputs, samples, strict=True))
        images = [image_boxes(each.truth, one.candidates, one.shape) for each, one in zip(samples, found, strict=True)]
        limits = best_thresholds(images, self.processor.thresholds, self.options.calibrate.precision)
        return replace(self.processor, thresholds=limits)

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """Figures and threshold of each class, errors by kind, and what was taken for what."""
        assert isinstance(val, ImageDataset) and isinstance(evaluation.processor, ObjectDetProcessor)
        found = [(val.samples[score.index], score.prediction) for score in evaluation.samples]
        images = [image_boxes(sample.truth, one.candidates, one.shape) for sample, one in found]
        shown, processor = [one.rows for _, one in found], evaluation.processor
        return class_files(images, shown, processor.labels, processor.thresholds)

    def export_network(self, processor: ObjectDetProcessor) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network with what makes boxes in the image's own pixels of its outputs."""
        network = self._new_network()
        network.set_state_dict(self.network.state_dict())
        network.merge()
        name_tensors(network)
        finished = self._finished(network)
        return finished, finished.inputs()
