"""Anomaly detection: wires network, windows, loss, processing, threshold and metric for the core."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import paddle

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Members
from plx_train.contract.sample import Batch, Sample
from plx_train.ground.spreadsheet import csv_text
from plx_train.metrics.anomaly_thresholds import Threshold, best_f1, percentile, pot
from plx_train.metrics.events import events
from plx_train.modules.ts_anomaly.baselines import baseline_figures
from plx_train.modules.ts_anomaly.check import CheckedMarks
from plx_train.modules.ts_anomaly.config import TsAnomalyConfig
from plx_train.modules.ts_anomaly.data import TrainWindows, WholeSeries
from plx_train.modules.ts_anomaly.fusion import MEMBER, compare, member_scores, rank_scales, verdict
from plx_train.modules.ts_anomaly.metric import TsAnomalyMetric
from plx_train.modules.ts_anomaly.network import Detector, build_network
from plx_train.modules.ts_anomaly.processor import TsAnomalyProcessor
from plx_train.modules.ts_anomaly.scores import root_scores
from plx_train.nn.series.loss import distance
from plx_train.series.frame import Series
from plx_train.series.fusion import load_members
from plx_train.series.module import SeriesModule
from plx_train.series.samples import stacked

FEW_EVENTS = 5
"""Fewer than this make event-wise figures jump."""


class TsAnomaly(SeriesModule[TsAnomalyConfig, TsAnomalyProcessor]):
    """The room's trainable side.

    Args:
        checked: says which column marks anomalies, and whether there are any to judge by; None where it is only to run.
    """

    name = "ts_anomaly"
    overlay_legend = "above the series, below its scores; light red: true anomalies, orange bars: what was found"
    has_official = False
    has_calibration = True
    network: Detector

    def __init__(
        self,
        options: TsAnomalyConfig,
        processor: TsAnomalyProcessor,
        checked: CheckedMarks | None,
        is_fine_tuning: bool,
    ) -> None:
        super().__init__(options, processor, is_fine_tuning)
        self.label = checked.label if checked else None
        self.has_anomalies = checked.has_anomalies if checked else True
        self.monitor = "auroc" if self.has_anomalies else "mse"
        self.has_fit = bool(options.models)
        self._chosen_on: tuple[str, ...] = ()

    def new_network(self) -> Detector:
        """The network that options and processor ask for, before any training."""
        return build_network(self.options, self.processor)

    def dataset(self, samples: Sequence[Series], split: str, cache_mb: int) -> TrainWindows | WholeSeries:
        """Windows of normal rows to train on; else whole series."""
        if split == "train":
            return TrainWindows(samples, self.processor, self.label, self.options.stride)
        return WholeSeries(samples, self.processor, self.label)

    def collate(self, samples: list[Sample]) -> Batch:
        """Training windows, which are what is to be given back."""
        return stacked(samples)

    def forward(self, batch: Batch) -> Any:
        """Windows given back (N, L, C) in training; else per series the roots of its rows' scores (T,), float64."""
        if self.network.training:
            return self.network.reconstruct(batch["x"])
        context, stride = self.processor.context, self.processor.stride
        return [root_scores(rows, self.network.outputs, context, stride) for rows in batch["x"].numpy()]

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        return {"loss": distance(outputs, batch["x"], self.options.loss)}

    def outputs_to_numpy(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """Roots of the rows' scores (T,), per series."""
        return outputs

    def new_metric(self) -> TsAnomalyMetric:
        """An empty metric."""
        return TsAnomalyMetric(self.has_anomalies)

    def calibrate(self, outputs: list[np.ndarray], samples: list[Sample]) -> TsAnomalyProcessor:
        """The processor with the threshold that the rule takes from held-out series."""
        self._chosen_on = tuple(sample.name for sample in samples)
        scores = np.concatenate([np.square(output) for output in outputs])
        marks = [np.zeros(len(output)) if sample.truth is None else sample.truth
                 for output, sample in zip(outputs, samples, strict=True)]  # fmt: skip
        found = self._threshold(scores, np.concatenate(marks))
        return replace(self.processor, threshold=found.value, rule=found.detail)

    def _threshold(self, scores: np.ndarray, marks: np.ndarray) -> Threshold:
        options, normal = self.options, scores[marks == 0]
        if options.threshold == "best_f1":
            return best_f1(scores, marks)
        if options.threshold == "pot":
            return pot(normal, options.risk, options.level)
        return percentile(normal, options.percent)

    def fit(self, train: Dataset, holdout: Dataset, members: Members) -> None:
        """Takes over the members of a fusion and ranks their scores."""
        assert isinstance(train, TrainWindows) and isinstance(holdout, WholeSeries)
        load_members(self.network.members, members[0] if members else (), MEMBER)
        self.network.eval()
        known = holdout if len(holdout) else WholeSeries(train.series, self.processor, None)
        for ranks, scale in zip(self.network.ranks, rank_scales(self.network, known), strict=True):
            ranks.take(scale)

    def baselines(self, train: Dataset, holdout: Dataset, val: Dataset) -> dict[str, float]:
        """Figures of the distance from a rolling median and from the nearest training window, where there are marks."""
        assert isinstance(train, TrainWindows) and isinstance(val, WholeSeries)
        marked = [(val.processor.scaled(series), marks)
                  for series, marks in zip(val.series, val.marks, strict=True) if marks is not None]  # fmt: skip
        if not self.has_anomalies or not marked:
            return {}
        return baseline_figures(train.rows(), marked, self.processor.context, self.options.percent)

    def remarks(self, val: Dataset, evaluation: Evaluation) -> list[str]:
        """Where the threshold comes from, what the figures can't say, and how a fusion's members fare beside it."""
        assert isinstance(val, WholeSeries) and isinstance(evaluation.processor, TsAnomalyProcessor)
        said = [f"threshold {evaluation.processor.threshold:.4g}: {evaluation.processor.rule}"]
        if not self.has_anomalies:
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
        return {"scores.csv": _table(val, evaluation)} | (
            {"members.json": json.dumps(members, indent=1)} if members else {}
        )

    def _compared(self, val: WholeSeries, evaluation: Evaluation) -> dict[str, dict[str, float]]:
        if not self.options.models or not self.has_anomalies:
            return {}
        self.network.eval()
        found = {name: member_scores(self.network, place, val) for place, name in enumerate(self.options.models)}
        found["fusion"] = [sample.prediction.scores for sample in evaluation.samples]
        return compare(found, val.marks)


def _table(val: WholeSeries, evaluation: Evaluation) -> str:
    rows: list[Sequence[Any]] = [["series", "time", "score", "anomalous", "label"]]
    for sample in evaluation.samples:
        found, marks = sample.prediction, val.marks[sample.index]
        known = [""] * len(found.scores) if marks is None else marks.tolist()
        scores = (f"{score:.6g}" for score in found.scores)
        columns = zip(found.time_texts(), scores, found.labels.tolist(), known, strict=True)
        rows += [(sample.name, *row) for row in columns]
    return csv_text(rows)
