"""The forecasting network with its covariates scaled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn

from plx_train.modules.ts_forecast.config import TsForecastConfig
from plx_train.modules.ts_forecast.processor import TsForecastProcessor
from plx_train.nn.series.fusion import Fusion
from plx_train.nn.series.registry import build_forecaster
from plx_train.nn.series.shape import SeriesShape
from plx_train.series.calendar import PADDLEX_FEATURES
from plx_train.series.fusion import networks_of


class Forecaster(nn.Layer):
    """A network behind the inputs that the exported graph has, covariates as they are in the table.

    Args:
        core: takes targets, past and future covariates and static ones, all scaled.
        scales: mean and standard deviation of the past, future and static covariates, each (channels,).
    """

    def __init__(self, core: nn.Layer, scales: tuple[tuple[np.ndarray, np.ndarray], ...]) -> None:
        super().__init__()
        self.core = core
        self.has_past, self.has_future, self.has_static = (len(mean) > 0 for mean, _ in scales)
        for name, (mean, std) in zip(("past", "future", "static"), scales, strict=True):
            if len(mean):
                self.register_buffer(f"{name}_mean", paddle.to_tensor(mean.astype(np.float32)))
                self.register_buffer(f"{name}_std", paddle.to_tensor(std.astype(np.float32)))

    def forward(self, inputs: Sequence[paddle.Tensor]) -> paddle.Tensor:
        """Forecasts (N, H, C) or (N, H, C, Q) of the graph's inputs, in the alphabetical order of their names."""
        # Targets alone: nothing is scaled, and asking takes a share of the shortest steps.
        return self.core(inputs[0]) if len(inputs) == 1 else self.core(*self.scaled(inputs))

    def scaled(self, inputs: Sequence[paddle.Tensor]) -> tuple[paddle.Tensor | None, ...]:
        """Targets, past, future and static covariates as `core` takes them."""
        # In their order future ones come first, then past ones, targets, static ones, as far as there are such.
        given = list(inputs)
        future = (given.pop(0) - self.future_mean) / self.future_std if self.has_future else None
        past = (given.pop(0) - self.past_mean) / self.past_std if self.has_past else None
        targets = given.pop(0)
        static = (given.pop(0) - self.static_mean) / self.static_std if self.has_static else None
        return targets, past, future, static


def build_network(options: TsForecastConfig, processor: TsForecastProcessor) -> Forecaster:
    """The network that `options` ask for, fused ones where they name several."""
    shape = SeriesShape(
        context=processor.context,
        horizon=processor.horizon,
        targets=len(processor.targets),
        past_covariates=len(processor.past_covariates),
        future_covariates=processor.num_future,
        static=len(processor.static_covariates),
        quantiles=max(len(processor.quantiles), 1),
    )
    cores = [build_forecaster(name, shape, processor.periods, options.sizes) for name in networks_of(options)]
    core = Fusion(cores, options.fusion == "median") if options.models else cores[0]
    return Forecaster(core, _scales(processor))


def _scales(processor: TsForecastProcessor) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Mean and standard deviation of past, future and static covariates; the calendar's features are left alone."""
    mean, std = np.asarray(processor.mean), np.asarray(processor.std)
    counts = [len(processor.targets), len(processor.past_covariates), len(processor.future_covariates)]
    edges = np.cumsum(counts)
    past, future, static = slice(edges[0], edges[1]), slice(edges[1], edges[2]), slice(edges[2], None)
    calendar = len(PADDLEX_FEATURES) * processor.calendar
    future_mean = np.concatenate([np.zeros(calendar), mean[future]])
    future_std = np.concatenate([np.ones(calendar), std[future]])
    return (mean[past], std[past]), (future_mean, future_std), (mean[static], std[static])
