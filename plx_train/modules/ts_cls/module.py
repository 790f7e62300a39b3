"""Classification of series: wires network, series, loss, processing and metric for the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import paddle
from paddle.nn import functional as F

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Members
from plx_train.contract.sample import Batch, Sample
from plx_train.data.classes import balanced_weights, listed
from plx_train.metrics.classes import class_files, per_class
from plx_train.metrics.temperature import fit_temperature
from plx_train.modules.ts_cls.baselines import baseline_accuracies
from plx_train.modules.ts_cls.check import CheckedClasses
from plx_train.modules.ts_cls.config import ROCKET, TsClsConfig
from plx_train.modules.ts_cls.data import TsClsDataset
from plx_train.modules.ts_cls.facts import difference_std
from plx_train.modules.ts_cls.metric import TsClsMetric
from plx_train.modules.ts_cls.network import RocketClassifier, build_network
from plx_train.modules.ts_cls.processor import TsClsProcessor, softmax
from plx_train.modules.ts_cls.ridge import fit_ridge
from plx_train.nn.losses import classification_loss
from plx_train.nn.series.rocket import rocket_features
from plx_train.series.frame import Series
from plx_train.series.module import SeriesModule

EVAL_BATCH_SIZE = 64
ROCKET_ROWS = 4096
"""Evaluated at a time: of more, the kernels' responses fall out of the processor's cache."""


class TsCls(SeriesModule[TsClsConfig, TsClsProcessor]):
    """The room's trainable side.

    Args:
        checked: the series, by which classes are weighed and ROCKET's kernels drawn; None where it is only to run.
    """

    name = "ts_cls"
    monitor = "accuracy"
    sample_value = "score of the true class"
    overlay_legend = (
        "under each series its likeliest classes and their scores; green: the right one, red: a wrong answer"
    )

    def __init__(
        self, options: TsClsConfig, processor: TsClsProcessor, checked: CheckedClasses | None, is_fine_tuning: bool
    ) -> None:
        self.has_calibration = options.calibrate
        self.has_fit = options.network == ROCKET
        self._checked = checked
        super().__init__(options, processor, is_fine_tuning)
        rows = min(max(ROCKET_ROWS // processor.length, 1), EVAL_BATCH_SIZE)
        self.eval_batch_size = rows if self.has_fit else EVAL_BATCH_SIZE
        self._weights: list[float] | None = None
        if checked and options.class_weights == "balanced":
            self._weights = balanced_weights([one.label for one in checked.train], processor.labels)

    def new_network(self) -> paddle.nn.Layer:
        """The network that options and processor ask for, before any training."""
        train = self._checked.train if self._checked and self.has_fit else None
        return build_network(self.options, self.processor, difference_std(train, self.processor) if train else None)

    def network_to_export(self) -> paddle.nn.Layer:
        """A copy of the trained network; of ROCKET one with its kernels fixed."""
        return self.network.graph() if isinstance(self.network, RocketClassifier) else super().network_to_export()

    def dataset(self, samples: Sequence[Series], split: str, cache_mb: int) -> TsClsDataset:
        """Series of one split."""
        return TsClsDataset(samples, self.processor)

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        target = F.one_hot(batch["target"], len(self.processor.labels))
        return classification_loss(outputs.astype("float32"), target, self.options.label_smoothing, self._weights)

    def new_metric(self) -> TsClsMetric:
        """An empty metric."""
        return TsClsMetric()

    def fit(self, train: Dataset, holdout: Dataset, members: Members) -> None:
        """Fits ROCKET's head to the training series."""
        assert isinstance(self.network, RocketClassifier) and isinstance(train, TsClsDataset)
        features = rocket_features(self.network.kernels(), train.rows)
        self.network.take(fit_ridge(features, train.labels, len(self.processor.labels)))

    def baselines(self, train: Dataset, holdout: Dataset, val: Dataset) -> dict[str, float]:
        """Accuracy of the most frequent class, and of the nearest training series'."""
        assert isinstance(train, TsClsDataset) and isinstance(val, TsClsDataset)
        known, asked = ([one.values for one in part.series] for part in (train, val))
        return baseline_accuracies(known, train.labels, asked, val.labels)

    def remarks(self, val: Dataset, evaluation: Evaluation) -> list[str]:
        """Whether series were found to be better standardised, and which classes were never told."""
        return self._found() + self._missed(val, evaluation)

    def _found(self) -> list[str]:
        if not (self._checked and self.has_fit and self.processor.is_standardised and self._checked.data.scaling.trial):
            return []
        plain, alone = (f"{accuracy:.3f}" for accuracy in self._checked.data.scaling.trial)
        return [
            f"each series is brought to mean 0 and deviation 1: so {alone} of the training series are told right by "
            f"leave-one-out, as they are {plain}; module.standardise=false keeps level and size"
        ]

    def _missed(self, val: Dataset, evaluation: Evaluation) -> list[str]:
        true, predicted = self._answers(val, evaluation)
        report = per_class(true, predicted)
        missed = [self.processor.labels[number] for number, row in report.items() if row["samples"] and not row["f1"]]
        if not missed:
            return []
        return [f"no series of these classes was told right: {listed(missed)}; see confusion.csv"]

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """Files about an evaluation, content by name: figures per class, and the confusion matrix."""
        return class_files(*self._answers(val, evaluation), self.processor.labels)

    def _answers(self, val: Dataset, evaluation: Evaluation) -> tuple[list[int], list[int]]:
        """True and predicted classes of an evaluation's series."""
        assert isinstance(val, TsClsDataset)
        true = [int(val.labels[score.index]) for score in evaluation.samples]
        return true, [int(score.prediction.classes[0]) for score in evaluation.samples]

    def calibrate(self, outputs: list[np.ndarray], samples: list[Sample]) -> TsClsProcessor:
        """The processor with the temperature chosen on held-out series."""
        temperature = fit_temperature([softmax(output) for output in outputs], [sample.truth for sample in samples])
        return replace(self.processor, temperature=temperature)
