"""Anomaly detection: wires network, windows, loss, processing, threshold and metric for the core."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
from paddle.static import InputSpec

from plx_train.contract.module import Batch, Dataset, Module
from plx_train.modules.ts_anomaly.baselines import baseline_figures
from plx_train.modules.ts_anomaly.config import SCORES_PER_CONTEXT, TsAnomalyConfig
from plx_train.modules.ts_anomaly.data import TrainWindows, WholeSeries, collate_eval
from plx_train.modules.ts_anomaly.fusion import (
    compare,
    load_members,
    member_scores,
    members_file,
    rank_scales,
    verdict,
)
from plx_train.modules.ts_anomaly.loss import reconstruction_loss
from plx_train.modules.ts_anomaly.metric import TsAnomalyMetric, events
from plx_train.modules.ts_anomaly.network import build_network
from plx_train.modules.ts_anomaly.overlay import draw_overlay
from plx_train.modules.ts_anomaly.processor import INPUT, TsAnomalyPrediction, TsAnomalyProcessor
from plx_train.modules.ts_anomaly.scores import root_scores
from plx_train.modules.ts_anomaly.threshold import Threshold, best_f1, percentile, pot
from plx_train.series.frame import Series

if TYPE_CHECKING:
    from plx_train.contract.evaluation import Evaluation

FEW_EVENTS = 5
"""Fewer than this make event-wise figures jump."""


class TsAnomaly(Module):
    """The room's one class that the core knows."""

    name = "ts_anomaly"
    sample_value = ""
    overlay_legend = "above the series, below its scores; light red: true anomalies, orange bars: what was found"
    has_official = False
    eval_batch_size = 1

    def __init__(self, config: TsAnomalyConfig, is_fine_tuning: bool) -> None:
        self.config = config
        self.is_fine_tuning = is_fine_tuning
        self.monitor = config.monitor
        self.processor = build_processor(config)
        self.network = build_network(config)
        self.has_fit = bool(config.models)
        self._chosen_on: tuple[str, ...] = ()

    def dataset(self, samples: Sequence[Series], split: str, cache_mb: int) -> TrainWindows | WholeSeries:
        """Windows of normal rows to train on; else whole series."""
        label = self.config.fitted.label
        if split == "train":
            return TrainWindows(samples, self.processor, label, self.config.stride)
        return WholeSeries(samples, self.processor, label)

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Training windows; batches of them are made by the dataset itself."""
        return collate_eval(samples)

    def collate_eval(self, samples: list[dict[str, Any]]) -> Batch:
        """Series, of one length."""
        return collate_eval(samples)

    def train_mode(self) -> None:
        """Training behaviour."""
        self.network.train()

    def eval_mode(self) -> None:
        """Inference behaviour."""
        self.network.eval()

    def forward(self, batch: Batch) -> Any:
        """In training windows given back (N, L, C); else per series the roots of its rows' scores (T,), float64."""
        if self.network.training:
            return self.network.reconstruct(batch["x"])
        context, stride = self.processor.context, self.processor.stride
        return [root_scores(rows, self.network.outputs, context, stride) for rows in batch["x"].numpy()]

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        return {"loss": reconstruction_loss(outputs, batch["x"], self.config.loss)}

    def outputs_to_numpy(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """Per series the roots of its rows' scores (T,)."""
        return outputs

    def new_metric(self) -> TsAnomalyMetric:
        """An empty metric."""
        return TsAnomalyMetric(self.config.fitted.has_anomalies)

    def calibrate(self, outputs: list[np.ndarray], samples: list[dict[str, Any]]) -> TsAnomalyProcessor:
        """The processor with the threshold that the rule takes from held-out series."""
        self._chosen_on = tuple(sample["name"] for sample in samples)
        scores = np.concatenate([np.square(output) for output in outputs])
        marks = [np.zeros(len(output)) if sample["labels"] is None else sample["labels"]
                 for output, sample in zip(outputs, samples, strict=True)]  # fmt: skip
        found = self._threshold(scores, np.concatenate(marks))
        return replace(self.processor, threshold=found.value, rule=found.detail)

    def _threshold(self, scores: np.ndarray, marks: np.ndarray) -> Threshold:
        config = self.config
        if config.threshold == "best_f1":
            return best_f1(scores, marks)
        normal = scores[marks == 0]
        return (
            pot(normal, config.risk, config.level) if config.threshold == "pot" else percentile(normal, config.percent)
        )

    def fit(self, train: Dataset, holdout: Dataset) -> None:
        """Takes over the members of a fusion and ranks their scores."""
        assert isinstance(train, TrainWindows) and isinstance(holdout, WholeSeries)
        load_members(self.network, self.config.members)
        self.network.eval()
        known = holdout if len(holdout) else WholeSeries(train.series, self.processor, None)
        for ranks, scale in zip(self.network.ranks, rank_scales(self.network, known), strict=True):
            ranks.take(scale)

    def baselines(self, train: Dataset, holdout: Dataset, val: Dataset) -> dict[str, float]:
        """Figures of the distance from a rolling median and from the nearest training window, where there are marks."""
        assert isinstance(train, TrainWindows) and isinstance(val, WholeSeries)
        marked = [(val.processor.scaled(series), marks)
                  for series, marks in zip(val.series, val.marks, strict=True) if marks is not None]  # fmt: skip
        if not self.config.fitted.has_anomalies or not marked:
            return {}
        return baseline_figures(train.rows(), marked, self.config.context, self.config.percent)

    def remarks(self, val: Dataset, evaluation: Evaluation) -> list[str]:
        """Where the threshold comes from, what the figures can't say, and how a fusion's members fare beside it."""
        assert isinstance(val, WholeSeries)
        said = [f"threshold {evaluation.processor.threshold:.4g}: {evaluation.processor.rule}"]
        if not self.config.fitted.has_anomalies:
            return [*said, "validation has no labelled anomalies: the reconstruction error was judged, not detection"]
        if self._chosen_on == tuple(val.names):
            said.append("the threshold was chosen on the rows that F1 is measured on: what could be reached at best")
        figures = evaluation.metrics
        if not any(sample.prediction.labels.any() for sample in evaluation.samples):
            said.append("no row of validation reaches the threshold: nothing is called anomalous")
        elif figures["adjusted_f1"] <= figures["adjusted_f1_random"]:
            said.append(
                f"point-adjusted F1 {figures['adjusted_f1']:.3f} is no better than calling as many rows at random, "
                f"{figures['adjusted_f1_random']:.3f}"
            )
        num_events = sum(len(events(marks)) for marks in val.marks if marks is not None)
        if num_events < FEW_EVENTS:
            noun = "event" if num_events == 1 else "events"
            said.append(f"validation has {num_events} {noun}: figures by events say little")
        members = self._compared(val, evaluation)
        return [*said, *(verdict(members) if members else [])]

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """``scores.csv``, a line per row of validation; ``members.json`` of a fusion."""
        assert isinstance(val, WholeSeries)
        members = self._compared(val, evaluation)
        return {"scores.csv": _table(val, evaluation)} | (members_file(members) if members else {})

    def _compared(self, val: WholeSeries, evaluation: Evaluation) -> dict[str, dict[str, float]]:
        if not self.config.models or not self.config.fitted.has_anomalies:
            return {}
        self.network.eval()
        found = {name: member_scores(self.network, place, val) for place, name in enumerate(self.config.models)}
        found["fusion"] = [sample.prediction.scores for sample in evaluation.samples]
        return compare(found, val.marks)

    def export_network(self) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network, its input named as PaddleX names it."""
        network = build_network(self.config)
        network.set_state_dict(self.network.state_dict())
        network.eval()
        for name, tensor in network.state_dict().items():
            tensor.name = name
        shape = [None, self.config.context, len(self.processor.features)]
        return network, [InputSpec(shape, "float32", name=INPUT)]

    def overlay(self, original: Series, prediction: TsAnomalyPrediction, sample: dict[str, Any] | None) -> np.ndarray:
        """The series above its scores, (h, w, 3) uint8 BGR."""
        return draw_overlay(original, prediction, None if sample is None else sample["labels"])


def _table(val: WholeSeries, evaluation: Evaluation) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["series", "time", "score", "anomalous", "label"])
    for sample in evaluation.samples:
        found, marks = sample.prediction, val.marks[sample.index]
        known = [""] * len(found.scores) if marks is None else marks.tolist()
        scores = (f"{score:.6g}" for score in found.scores)
        columns = zip(found.time_texts(), scores, found.labels.tolist(), known, strict=True)
        table.writerows([sample.name, *row] for row in columns)
    return text.getvalue()


def build(config: TsAnomalyConfig, is_fine_tuning: bool) -> TsAnomaly:
    """The module for `config`, whose features and scaling were found."""
    return TsAnomaly(config, is_fine_tuning)


def build_processor(config: TsAnomalyConfig) -> TsAnomalyProcessor:
    """The processing for what was found in the training series."""
    found = config.fitted
    return TsAnomalyProcessor(
        context=config.context,
        stride=config.score_stride or max(config.context // SCORES_PER_CONTEXT, 1),
        features=tuple(found.features),
        frequency=found.frequency,
        mean=tuple(found.mean),
        std=tuple(found.std),
        time=found.time,
        group=found.group,
        periods=tuple(found.periods),
    )
