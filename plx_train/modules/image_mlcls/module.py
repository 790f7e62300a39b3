"""Multi-label classification: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import paddle
from paddle.nn import functional as F

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.sample import Batch, Sample
from plx_train.metrics.multilabel import LabelMetric, label_file
from plx_train.metrics.thresholds import best_threshold
from plx_train.modules.image_mlcls.config import ImageMlclsConfig
from plx_train.modules.image_mlcls.processor import ImageMlclsProcessor
from plx_train.nn.losses import label_loss
from plx_train.vision.classifier_module import ClassifierModule
from plx_train.vision.first_head import Head, label_head
from plx_train.vision.module import MovedLogits
from plx_train.vision.samples import ImageDataset


class ImageMlcls(ClassifierModule[ImageMlclsProcessor]):
    """The room's trainable side."""

    name, monitor, sample_value = "image_mlcls", "mAP", "F1 of the labels"
    overlay_legend = "under each image its labels and their scores; green: right or missed, red: wrong"

    def __init__(self, options: ImageMlclsConfig, processor: ImageMlclsProcessor, is_fine_tuning: bool) -> None:
        super().__init__(options, processor, is_fine_tuning, np.float32)
        self._focus, self._margin = (options.focus[0], options.focus[1]), options.margin

    def first_head(self, seen: np.ndarray, truths: list[np.ndarray]) -> Head:
        """A logistic regression for each label."""
        return label_head(seen, np.stack(truths) > 0)

    def scores(self, logits: paddle.Tensor) -> paddle.Tensor:
        """Probability of each label."""
        return F.sigmoid(logits)

    def exported_scores(self, processor: ImageMlclsProcessor) -> Callable[[paddle.Tensor], paddle.Tensor]:
        """Probabilities moved until 0.5 is the threshold of each label."""
        limits = np.asarray(processor.thresholds)
        return MovedLogits(F.sigmoid, np.log(limits / (1 - limits)))

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        return label_loss(outputs.astype("float32"), batch["target"], self._focus, self._margin, batch.get("weight"))

    def target(self, truth: tuple[str, ...] | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Float32 (labels,): 1 at the labels that are named, or the scores of all."""
        if isinstance(truth, np.ndarray):
            return truth.astype(np.float32)
        return np.asarray([name in truth for name in self.processor.labels], np.float32)

    def new_metric(self) -> LabelMetric:
        """An empty metric."""
        return LabelMetric()

    def calibrate(self, outputs: list[np.ndarray], samples: list[Sample]) -> ImageMlclsProcessor:
        """The processor with each label's threshold of best F1 on held-out images."""
        truths, scores = np.asarray([sample.truth for sample in samples]).T, np.stack(outputs).T
        columns = zip(truths, scores, self.processor.thresholds, strict=True)
        limits = tuple(min(max(best_threshold(*each), 0.01), 0.99) for each in columns)
        return replace(self.processor, thresholds=limits)

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """``classes.json``: figures and threshold of each label."""
        assert isinstance(val, ImageDataset) and isinstance(evaluation.processor, ImageMlclsProcessor)
        truth = np.asarray([val.samples[score.index].truth for score in evaluation.samples], bool)
        scores = np.stack([score.prediction.all_scores for score in evaluation.samples])
        return label_file(truth, scores, evaluation.processor.labels, evaluation.processor.thresholds)
