"""Image classification: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

import dataclasses

import numpy as np
import paddle
from paddle.nn import functional as F

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.sample import Batch, Sample
from plx_train.data.classes import balanced_weights
from plx_train.data.splits import CheckedDocuments
from plx_train.metrics.classes import class_files
from plx_train.metrics.temperature import fit_temperature
from plx_train.modules.image_cls.config import ImageClsConfig
from plx_train.modules.image_cls.labels import ClsLabel
from plx_train.modules.image_cls.metric import ImageClsMetric
from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.nn.losses import classification_loss
from plx_train.vision.classifier_module import ClassifierModule
from plx_train.vision.first_head import Head, class_head
from plx_train.vision.samples import ImageDataset

FEW_LABELLED, FEW_BEGUN = 200, 2000
"""Labelled images below which batch norms keep the statistics of the weights, unless options say otherwise; and where
the classifier began with what those show."""


class ImageCls(ClassifierModule[ImageClsProcessor]):
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
        super().__init__(options, processor, is_fine_tuning, OneHot(len(processor.labels)))
        self._smoothing = options.label_smoothing
        self._is_turned = bool(options.rotations)
        self._weights: list[float] | None = None
        if checked and options.class_weights == "balanced" and not options.rotations:
            self._weights = balanced_weights([one.truth for one in checked.train], range(len(processor.labels)))

    def expect(self, num_labelled: int) -> None:
        """Keeps the statistics of the weights where few labelled images would make them their own."""
        if self.options.freeze_norm is None:
            few = FEW_BEGUN if self.has_first_head else FEW_LABELLED
            self.freezes_norm = self.is_fine_tuning and num_labelled < few

    def first_head(self, seen: np.ndarray, truths: list[int]) -> Head | None:
        """A logistic regression of all classes; None where one is seen, or which way up: weights hardly see that."""
        if self._is_turned or len(set(truths)) < 2:
            return None
        return class_head(seen, np.asarray(truths), len(self.processor.labels))

    def scores(self, logits: paddle.Tensor) -> paddle.Tensor:
        """Probabilities of logits, of sum 1."""
        return F.softmax(logits, axis=-1)

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        trust = batch.get("weight")
        return classification_loss(outputs.astype("float32"), batch["target"], self._smoothing, self._weights, trust)

    def target(self, truth: str | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Float32 (classes,): 1 at the class that is named, or the scores of all."""
        if isinstance(truth, str):
            return np.asarray(self._target(self.processor.labels.index(truth)))
        return truth.astype(np.float32)

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


@dataclasses.dataclass(frozen=True)
class OneHot:
    """Makes the target of a class."""

    num_classes: int

    def __call__(self, truth: int) -> np.ndarray:
        """Float32 (classes,): 1 at the class."""
        target = np.zeros(self.num_classes, np.float32)
        target[truth] = 1
        return target
