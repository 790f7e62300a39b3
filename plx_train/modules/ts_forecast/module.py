"""Forecasting: wires network, windows, loss, processing and metric for the core."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle.static import InputSpec

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Members
from plx_train.contract.sample import Batch
from plx_train.modules.ts_forecast.baselines import baseline_errors
from plx_train.modules.ts_forecast.config import TsForecastConfig
from plx_train.modules.ts_forecast.data import TsForecastDataset
from plx_train.modules.ts_forecast.fusion import (
    CORE,
    backtest_table,
    compare,
    fused,
    learn_weights,
    member_forecasts,
    verdict,
)
from plx_train.modules.ts_forecast.metric import TsForecastMetric
from plx_train.modules.ts_forecast.network import Forecaster, build_network
from plx_train.modules.ts_forecast.processor import TsForecastProcessor
from plx_train.nn.series.loss import forecast_loss
from plx_train.series.frame import Series
from plx_train.series.fusion import load_members
from plx_train.series.module import SeriesModule


class TsForecast(SeriesModule[TsForecastConfig, TsForecastProcessor]):
    """The room's trainable side."""

    name = "ts_forecast"
    monitor = "mse"
    sample_value = "mse"
    overlay_legend = "blue: the rows seen; black: what came; orange: the forecast, its outermost quantiles as a band"
    eval_batch_size = 256
    network: Forecaster

    def __init__(self, options: TsForecastConfig, processor: TsForecastProcessor, is_fine_tuning: bool) -> None:
        super().__init__(options, processor, is_fine_tuning)
        self.has_fit = bool(options.models)

    def new_network(self) -> Forecaster:
        """The network that options and processor ask for, before any training."""
        return build_network(self.options, self.processor)

    def dataset(self, samples: Sequence[Series], split: str, cache_mb: int) -> TsForecastDataset:
        """Windows of one split."""
        return TsForecastDataset(samples, self.processor, self.options.stride if split == "train" else 1)

    def forward(self, batch: Batch) -> paddle.Tensor:
        """Forecasts on the scaled axis, (N, H, C) or (N, H, C, Q)."""
        return self.network(batch["x"])

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        return {"loss": forecast_loss(outputs, batch["target"], self.options.loss, self.processor.quantiles)}

    def new_metric(self) -> TsForecastMetric:
        """An empty metric."""
        seasonal_errors = np.asarray(self.processor.seasonal_errors)
        return TsForecastMetric(self.processor.scaler, seasonal_errors, self.processor.quantiles)

    def export_network(self, processor: TsForecastProcessor) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network, which takes its inputs as one list."""
        network, inputs = super().export_network(processor)
        return network, [inputs]

    def fit(self, train: Dataset, holdout: Dataset, members: Members) -> None:
        """Takes over the members of a fusion and learns their weights; then those that were trained on all rows."""
        assert isinstance(holdout, TsForecastDataset)
        learned_by, *refitted = members or ((),)
        load_members(self.network.core.members, learned_by, CORE)
        learn_weights(self.network, holdout, self.options.fusion)
        if refitted:
            load_members(self.network.core.members, refitted[0], CORE)

    def remarks(self, val: Dataset, evaluation: Evaluation) -> list[str]:
        """How the members of a fusion fare beside it."""
        errors, weights = self._compared(val)
        return verdict(errors, weights) if errors else []

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """``backtest.csv`` and ``members.json`` of a fusion."""
        errors, weights = self._compared(val)
        return backtest_table(errors, weights) if errors else {}

    def _compared(self, val: Dataset) -> tuple[dict[str, list[float]], dict[str, float]]:
        """Errors by origin of members and fusion, and the members' weights; nothing for a single network."""
        models = self.options.models
        if not models:
            return {}, {}
        assert isinstance(val, TsForecastDataset)
        forecasts, truth = member_forecasts(self.network, val)
        weights, is_median = self.network.core.weights.numpy(), self.options.fusion == "median"
        whole = fused(forecasts, weights, is_median)
        if forecasts.ndim > truth.ndim + 1:
            place = self.processor.middle
            forecasts, whole = forecasts[..., place], whole[..., place]
        named = {} if is_median else dict(zip(models, map(float, weights), strict=True))
        return compare(models, forecasts, whole, truth), named

    def baselines(self, train: Dataset, holdout: Dataset, val: Dataset) -> dict[str, float]:
        """Errors of the last season repeated, and of one ridge regression, on the windows of `val`."""
        assert isinstance(train, TsForecastDataset) and isinstance(val, TsForecastDataset)
        assert isinstance(holdout, TsForecastDataset)
        known = [*train.targets(), *holdout.targets()] if len(holdout) else train.targets()
        return baseline_errors(known, val.targets(), self.processor.rows, self.processor.period)
