"""Classification of series: wires network, series, loss, processing and metric for the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
from paddle.static import InputSpec

from plx_train.contract.module import Batch, Dataset, Module
from plx_train.metrics.classes import class_files, per_class
from plx_train.metrics.temperature import fit_temperature
from plx_train.modules.ts_cls.baselines import baseline_accuracies
from plx_train.modules.ts_cls.config import TsClsConfig
from plx_train.modules.ts_cls.data import TsClsDataset, collate_eval
from plx_train.modules.ts_cls.loss import classification_loss
from plx_train.modules.ts_cls.metric import TsClsMetric
from plx_train.modules.ts_cls.network import RocketClassifier, build_network
from plx_train.modules.ts_cls.overlay import draw_overlay
from plx_train.modules.ts_cls.processor import TsClsPrediction, TsClsProcessor, softmax
from plx_train.modules.ts_cls.ridge import fit_ridge
from plx_train.modules.ts_cls.rocket import rocket_features
from plx_train.series.frame import Series

if TYPE_CHECKING:
    from plx_train.contract.evaluation import Evaluation

EVAL_BATCH_SIZE = 64
ROCKET_ROWS = 4096
"""Evaluated at a time: of more, the kernels' responses fall out of the processor's cache."""
LISTED = 10


class TsCls(Module):
    """The room's one class that the core knows."""

    name = "ts_cls"
    monitor = TsClsConfig.monitor
    sample_value = "score of the true class"
    overlay_legend = (
        "under each series its likeliest classes and their scores; green: the right one, red: a wrong answer"
    )
    eval_batch_size = EVAL_BATCH_SIZE

    def __init__(self, config: TsClsConfig, is_fine_tuning: bool) -> None:
        self.config = config
        self.is_fine_tuning = is_fine_tuning
        self.has_calibration = config.calibrate
        self.processor = build_processor(config)
        self.network = build_network(config)
        self.has_fit = isinstance(self.network, RocketClassifier)
        if self.has_fit:
            self.eval_batch_size = min(max(ROCKET_ROWS // self.processor.length, 1), EVAL_BATCH_SIZE)

    def dataset(self, samples: Sequence[Series], split: str, cache_mb: int) -> TsClsDataset:
        """Series of one split."""
        return TsClsDataset(samples, self.processor)

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Training series; batches of them are made by the dataset itself."""
        return collate_eval(samples) | {"target": np.asarray([sample["labels"] for sample in samples], np.int64)}

    def collate_eval(self, samples: list[dict[str, Any]]) -> Batch:
        """Series, all filled up to one length."""
        return collate_eval(samples)

    def train_mode(self) -> None:
        """Training behaviour."""
        self.network.train()

    def eval_mode(self) -> None:
        """Inference behaviour."""
        self.network.eval()

    def forward(self, batch: Batch) -> paddle.Tensor:
        """Logits, (N, classes)."""
        return self.network(*batch["x"])

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        smoothing, weights = self.config.label_smoothing, self.config.fitted.weight_of_class
        return {"loss": classification_loss(outputs.astype("float32"), batch["target"], smoothing, weights)}

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Per series the logits, float32 (classes,)."""
        return list(outputs.astype("float32").numpy())

    def new_metric(self) -> TsClsMetric:
        """An empty metric."""
        return TsClsMetric()

    def fit(self, train: Dataset, holdout: Dataset) -> None:
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
        found = self.config.fitted
        if not (found.is_standardised and found.trial):
            return []
        plain, alone = (f"{accuracy:.3f}" for accuracy in found.trial)
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
        more = f" and {len(missed) - LISTED} more" if len(missed) > LISTED else ""
        return [f"no series of these classes was told right: {', '.join(missed[:LISTED])}{more}; see confusion.csv"]

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """Files about an evaluation, content by name: figures per class, and the confusion matrix."""
        return class_files(*self._answers(val, evaluation), self.processor.labels)

    def _answers(self, val: Dataset, evaluation: Evaluation) -> tuple[list[int], list[int]]:
        """True and predicted classes of an evaluation's series."""
        assert isinstance(val, TsClsDataset)
        true = [int(val.labels[score.index]) for score in evaluation.samples]
        return true, [int(score.prediction.classes[0]) for score in evaluation.samples]

    def calibrate(self, outputs: list[np.ndarray], samples: list[dict[str, Any]]) -> TsClsProcessor:
        """The processor with the temperature chosen on held-out series."""
        temperature = fit_temperature([softmax(output) for output in outputs], [each["labels"] for each in samples])
        return replace(self.processor, temperature=temperature)

    def export_network(self) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network, its inputs named as PaddleX names them."""
        network = self._copy()
        network.eval()
        for name, tensor in network.state_dict().items():
            tensor.name = name
        inputs = self.processor.to_inference("")["input_data"]
        return network, [InputSpec([None, *shape[1:]], "float32", name=name) for name, shape in inputs.items()]

    def _copy(self) -> paddle.nn.Layer:
        if isinstance(self.network, RocketClassifier):
            return self.network.graph()
        network = build_network(self.config)
        network.set_state_dict(self.network.state_dict())
        return network

    def overlay(self, original: Series, prediction: TsClsPrediction, sample: dict[str, Any] | None) -> np.ndarray:
        """The series with its likeliest classes under it, (h, w, 3) uint8 BGR."""
        return draw_overlay(original, prediction, sample["labels"] if sample else None)


def build(config: TsClsConfig, is_fine_tuning: bool) -> TsCls:
    """The module for `config`, whose classes and scaling were found."""
    return TsCls(config, is_fine_tuning)


def build_processor(config: TsClsConfig) -> TsClsProcessor:
    """The processing for what was found in the training series, before any calibration."""
    found = config.fitted
    return TsClsProcessor(
        length=found.length,
        columns=tuple(found.columns),
        labels=tuple(found.classes),
        mean=tuple(found.mean),
        std=tuple(found.std),
        time=found.time,
        group=found.group,
        frequency=found.frequency,
        median_rows=found.median_rows,
        periods=tuple(found.periods),
        is_standardised=found.is_standardised,
    )
