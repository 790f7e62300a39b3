"""Anomaly detection, as the core knows it without its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from plx_train.ground.errors import ConfigError
from plx_train.modules.ts_anomaly.check import CheckedMarks, check_marks
from plx_train.modules.ts_anomaly.config import HOLDOUT_SHARE, TsAnomalyConfig
from plx_train.modules.ts_anomaly.facts import fit_facts
from plx_train.modules.ts_anomaly.labels import MarkedData, read_marked
from plx_train.modules.ts_anomaly.metric import TsAnomalyMetric
from plx_train.modules.ts_anomaly.overlay import draw_overlay
from plx_train.modules.ts_anomaly.processor import UNCHOSEN, UNCHOSEN_RULE, TsAnomalyPrediction, TsAnomalyProcessor
from plx_train.series.frame import Series
from plx_train.series.room import FusingRoom

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.ts_anomaly.module import TsAnomaly


class TsAnomalyRoom(FusingRoom[TsAnomalyConfig, MarkedData, TsAnomalyProcessor, CheckedMarks]):
    """Says which rows of a series are not like those that were trained on."""

    contract = 1
    name = "ts_anomaly"
    options = TsAnomalyConfig
    processor = TsAnomalyProcessor
    metric = TsAnomalyMetric
    monitor = "auroc"
    marks_rows = True

    def check_options(self, options: TsAnomalyConfig, dataset: DatasetOptions) -> None:
        """Refuses rows that no window holds, a risk that no peak has, and covariates."""
        for key, rows in (("score_stride", options.score_stride), ("smooth", options.smooth)):
            if rows is not None and rows > options.context:
                raise ConfigError(f"module.{key} must be 1 to module.context={options.context}, not {rows}")
        if options.risk >= 1 - options.level:
            raise ConfigError(
                f"module.risk={options.risk:g} must be below 1 - module.level, which is {1 - options.level:g}"
            )
        columns = dataset.columns
        if columns.past_covariates or columns.future_covariates or columns.static_covariates:
            raise ConfigError("module=ts_anomaly takes no covariates: name all columns in dataset.columns.targets")

    def window(self, options: TsAnomalyConfig) -> int:
        """Rows that are given back."""
        return options.context

    def read(self, dataset: DatasetOptions, options: TsAnomalyConfig) -> MarkedData:
        """The series of both files with their marks."""
        return read_marked(dataset)

    def fit(
        self, data: MarkedData, dataset: DatasetOptions, options: TsAnomalyConfig, weights: str | None
    ) -> TsAnomalyProcessor | None:
        """The processor with the scaling and the periods of the normal training rows that are not held out."""
        return fit_facts(data, options, dataset.holdout_share)

    def check(
        self,
        data: MarkedData,
        processor: TsAnomalyProcessor | None,
        dataset: DatasetOptions,
        options: TsAnomalyConfig,
    ) -> CheckedMarks:
        """What is wrong or odd in a dataset, and its series with their marks."""
        return check_marks(data, processor, options)

    def build(
        self,
        options: TsAnomalyConfig,
        processor: TsAnomalyProcessor,
        checked: CheckedMarks | None,
        is_fine_tuning: bool,
    ) -> TsAnomaly:
        """The module; the data say which column marks anomalies, and whether there are any to judge by."""
        from plx_train.modules.ts_anomaly.module import TsAnomaly

        return TsAnomaly(options, processor, checked, is_fine_tuning)

    def overlay(
        self,
        processor: TsAnomalyProcessor,
        original: Series,
        prediction: TsAnomalyPrediction,
        truth: np.ndarray | None = None,
    ) -> np.ndarray:
        """The series above its scores; `truth` is 1 where a row is anomalous."""
        return draw_overlay(original, prediction, truth)

    def official(self, processor: TsAnomalyProcessor, options: TsAnomalyConfig) -> TsAnomalyProcessor:
        """`processor` before a threshold is chosen."""
        return replace(processor, threshold=UNCHOSEN, rule=UNCHOSEN_RULE)

    def monitor_of(self, checked: CheckedMarks) -> str:
        """The reconstruction error where validation has no anomalies."""
        return self.monitor if checked.has_anomalies else "mse"

    def member_shares(self, options: TsAnomalyConfig) -> Sequence[float]:
        """Shares of the training rows that members leave out: those that scores are ranked on."""
        return (HOLDOUT_SHARE,)
