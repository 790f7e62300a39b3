"""Image classification: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import paddle
from paddle.nn import functional as F
from paddle.static import InputSpec

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import State
from plx_train.contract.sample import Batch, Sample
from plx_train.data.splits import CheckedDocuments
from plx_train.metrics.classes import class_files
from plx_train.metrics.temperature import fit_temperature
from plx_train.modules.image_cls.check import balanced_weights
from plx_train.modules.image_cls.config import ImageClsConfig
from plx_train.modules.image_cls.labels import ClsLabel
from plx_train.modules.image_cls.loss import classification_loss
from plx_train.modules.image_cls.metric import ImageClsMetric
from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.nn.classifiers import HEADS, build_classifier
from plx_train.nn.efficientnet_lite import from_torch
from plx_train.vision.heads import classes_of, rehead
from plx_train.vision.module import ImageModule, exported
from plx_train.vision.samples import ImageDataset, planes
from plx_train.vision.views import Views

if TYPE_CHECKING:
    from plx_train.weights.fetch import WeightsSource


class ImageCls(ImageModule[ImageClsProcessor]):
    """The room's trainable side."""

    name = "image_cls"
    monitor = "accuracy"
    sample_value = "score of the true class"
    overlay_legend = (
        "under each image its likeliest classes and their scores; green: the right one, red: a wrong answer"
    )

    def __init__(
        self,
        options: ImageClsConfig,
        processor: ImageClsProcessor,
        checked: CheckedDocuments[ClsLabel] | None,
        is_fine_tuning: bool,
    ) -> None:
        self.options = options
        self.processor = processor
        self.is_fine_tuning = is_fine_tuning
        self.has_calibration = options.calibrate
        self.freezes_norm = options.freeze_norm
        self.network = self._new_network()
        self._weights: list[float] | None = None
        if checked and options.class_weights == "balanced" and not options.rotations:
            self._weights = balanced_weights(checked.train, len(processor.labels))

    def _new_network(self) -> paddle.nn.Layer:
        options = self.options
        return build_classifier(options.network, len(self.processor.labels), options.stem_stride, options.dropout)

    def adapt_weights(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """`state` with the classifier of this run's classes, and what was kept, in words."""
        known = classes_of(source.path)
        return rehead(from_torch(state), known, self.processor.labels, self.network.state_dict(), HEADS)

    def dataset(self, samples: Sequence[ClsLabel], split: str, cache_mb: int) -> ImageDataset[ClsLabel]:
        """Images of one split; ``train`` gives changed ones, the others plain ones."""
        if split != "train":
            return ImageDataset(samples, self.processor)
        change = Views(self.options.augment, self.processor, OneHot(len(self.processor.labels)))
        return ImageDataset(samples, self.processor, change, cache_mb * 2**20)

    def collate(self, samples: list[Sample]) -> Batch:
        """Training images as float32 arrays, with the share of each class in them."""
        return {
            "x": planes([sample.x for sample in samples], self.processor.normalise),
            "target": np.stack([sample.truth for sample in samples]),
            "names": [sample.name for sample in samples],
        }

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        return classification_loss(
            outputs.astype("float32"), batch["target"], self.options.label_smoothing, self._weights
        )

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Per image the probabilities, (classes,) float32."""
        return list(F.softmax(outputs.astype("float32"), axis=-1).numpy())

    def new_metric(self) -> ImageClsMetric:
        """An empty metric."""
        return ImageClsMetric()

    def calibrate(self, outputs: list[np.ndarray], samples: list[Sample]) -> ImageClsProcessor:
        """The processor with the temperature chosen on held-out images."""
        temperature = fit_temperature(outputs, [sample.truth for sample in samples])
        return dataclasses.replace(self.processor, temperature=temperature)

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """Files about an evaluation, content by name: figures per class, and the confusion matrix."""
        assert isinstance(val, ImageDataset)
        true = [val.samples[score.index].truth for score in evaluation.samples]
        predicted = [int(score.prediction.classes[0]) for score in evaluation.samples]
        return class_files(true, predicted, self.processor.labels)

    def export_network(self) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network with softmax."""
        network = self._new_network()
        network.set_state_dict(self.network.state_dict())
        width, height = self.processor.size
        return exported(network, F.softmax, height, width)


@dataclasses.dataclass(frozen=True)
class OneHot:
    """Makes the target of a class."""

    num_classes: int

    def __call__(self, truth: int) -> np.ndarray:
        """Float32 (classes,): 1 at the class."""
        target = np.zeros(self.num_classes, np.float32)
        target[truth] = 1
        return target
