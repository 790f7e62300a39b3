"""Forecasting: wires network, windows, loss, processing and metric for the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
from paddle.static import InputSpec

from plx_train.contract.module import Batch, Dataset, Module
from plx_train.modules.ts_forecast.baselines import baseline_errors
from plx_train.modules.ts_forecast.config import TsForecastConfig
from plx_train.modules.ts_forecast.data import TsForecastDataset, collate_eval
from plx_train.modules.ts_forecast.fusion import (
    backtest_table,
    compare,
    fused,
    learn_weights,
    load_members,
    member_forecasts,
    verdict,
)
from plx_train.modules.ts_forecast.loss import forecast_loss
from plx_train.modules.ts_forecast.metric import TsForecastMetric
from plx_train.modules.ts_forecast.network import Forecaster, build_network
from plx_train.modules.ts_forecast.overlay import draw_overlay
from plx_train.modules.ts_forecast.prediction import TsForecastPrediction
from plx_train.modules.ts_forecast.processor import TsForecastProcessor
from plx_train.nn.series.shape import SeriesShape
from plx_train.series.frame import Series

if TYPE_CHECKING:
    from plx_train.contract.evaluation import Evaluation

EVAL_BATCH_SIZE = 256


class TsForecast(Module):
    """The room's one class that the core knows."""

    name = "ts_forecast"
    monitor = TsForecastConfig.monitor
    sample_value = "mse"
    overlay_legend = "blue: the rows seen; black: what came; orange: the forecast, its outermost quantiles as a band"
    has_calibration = False
    eval_batch_size = EVAL_BATCH_SIZE

    def __init__(self, config: TsForecastConfig, is_fine_tuning: bool) -> None:
        self.config = config
        self.is_fine_tuning = is_fine_tuning
        self.processor = build_processor(config)
        self.network = self._new_network()
        self.has_fit = bool(config.models)

    def _new_network(self) -> Forecaster:
        config, processor = self.config, self.processor
        shape = SeriesShape(
            context=config.context,
            horizon=config.horizon,
            targets=len(processor.targets),
            past_covariates=len(processor.past_covariates),
            future_covariates=processor.num_future,
            static=len(processor.static_covariates),
            quantiles=max(len(processor.quantiles), 1),
        )
        return build_network(config, shape, processor)

    def dataset(self, samples: Sequence[Series], split: str, cache_mb: int) -> TsForecastDataset:
        """Windows of one split."""
        return TsForecastDataset(samples, self.processor, self.config.stride if split == "train" else 1)

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Training windows; batches of them are made by the dataset itself."""
        return collate_eval(samples) | {"target": np.stack([sample["labels"] for sample in samples])}

    def collate_eval(self, samples: list[dict[str, Any]]) -> Batch:
        """Windows."""
        return collate_eval(samples)

    def train_mode(self) -> None:
        """Training behaviour."""
        self.network.train()

    def eval_mode(self) -> None:
        """Inference behaviour."""
        self.network.eval()

    def forward(self, batch: Batch) -> paddle.Tensor:
        """Forecasts on the scaled axis, (N, H, C) or (N, H, C, Q)."""
        return self.network(*batch["x"])

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        return {"loss": forecast_loss(outputs, batch["target"], self.config.loss, self.processor.quantiles)}

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Per window the forecast, float32 (H, C) or (H, C, Q)."""
        return list(outputs.astype("float32").numpy())

    def new_metric(self) -> TsForecastMetric:
        """An empty metric."""
        return TsForecastMetric(
            self.processor.scaler, np.asarray(self.processor.seasonal_errors), self.processor.quantiles
        )

    def fit(self, train: Dataset, holdout: Dataset) -> None:
        """Takes over the members of a fusion and learns their weights."""
        assert isinstance(holdout, TsForecastDataset)
        load_members(self.network, self.config.members)
        learn_weights(self.network, holdout, self.config.fusion)
        if self.config.refitted:
            load_members(self.network, self.config.refitted)

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
        if not self.config.models:
            return {}, {}
        assert isinstance(val, TsForecastDataset)
        forecasts, truth = member_forecasts(self.network, val)
        weights, is_median = self.network.core.weights.numpy(), self.config.fusion == "median"
        whole = fused(forecasts, weights, is_median)
        if self.processor.quantiles:
            place = int(np.argmin(np.abs(np.asarray(self.processor.quantiles) - 0.5)))
            forecasts, whole = (
                (forecasts, whole) if forecasts.ndim == truth.ndim + 1 else (forecasts[..., place], whole[..., place])
            )
        named = {} if is_median else dict(zip(self.config.models, map(float, weights), strict=True))
        return compare(self.config.models, forecasts, whole, truth), named

    def baselines(self, train: Dataset, holdout: Dataset, val: Dataset) -> dict[str, float]:
        """Errors of the last season repeated, and of one ridge regression, on the windows of `val`."""
        assert isinstance(train, TsForecastDataset) and isinstance(val, TsForecastDataset)
        assert isinstance(holdout, TsForecastDataset)
        return baseline_errors(
            [*train.targets(), *holdout.targets()] if len(holdout) else train.targets(),
            val.targets(),
            (self.config.context, self.config.horizon),
            self.processor.period,
        )

    def calibrate(self, outputs: list[np.ndarray], samples: list[dict[str, Any]]) -> TsForecastProcessor:
        """Nothing is chosen."""
        return self.processor

    def export_network(self) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network, its inputs named as PaddleX names them."""
        network = self._new_network()
        network.set_state_dict(self.network.state_dict())
        network.eval()
        for name, tensor in network.state_dict().items():
            tensor.name = name
        inputs = self.processor.to_inference("")["input_data"]
        return network, [InputSpec([None, *shape[1:]], "float32", name=name) for name, shape in inputs.items()]

    def overlay(self, original: Series, prediction: TsForecastPrediction, sample: dict[str, Any] | None) -> np.ndarray:
        """The context with the forecast behind it, (h, w, 3) uint8 BGR."""
        truth = None if sample is None else self.processor.scaler.inverse(sample["labels"])
        return draw_overlay(original, prediction, truth)


def build(config: TsForecastConfig, is_fine_tuning: bool) -> TsForecast:
    """The module for `config`, whose columns and scaling were found."""
    return TsForecast(config, is_fine_tuning)


def build_processor(config: TsForecastConfig) -> TsForecastProcessor:
    """The processing for what was found in the training series."""
    found = config.fitted
    return TsForecastProcessor(
        context=config.context,
        horizon=config.horizon,
        targets=tuple(found.targets),
        frequency=found.frequency,
        mean=tuple(found.mean),
        std=tuple(found.std),
        past_covariates=tuple(found.past_covariates),
        future_covariates=tuple(found.future_covariates),
        static_covariates=tuple(found.static_covariates),
        time=found.time,
        group=found.group,
        calendar=config.calendar,
        quantiles=tuple(config.quantiles),
        period=found.period,
        periods=tuple(found.periods),
        seasonal_errors=tuple(found.seasonal_errors),
    )
