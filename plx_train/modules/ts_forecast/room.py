"""Forecasting, as the core knows it without its network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from plx_train.ground.errors import ConfigError
from plx_train.modules.ts_forecast.check import CheckedForecasts, check_forecasts
from plx_train.modules.ts_forecast.config import HOLDOUT_SHARE, TsForecastConfig
from plx_train.modules.ts_forecast.facts import fit_facts
from plx_train.modules.ts_forecast.metric import TsForecastMetric
from plx_train.modules.ts_forecast.overlay import draw_overlay
from plx_train.modules.ts_forecast.prediction import TsForecastPrediction
from plx_train.modules.ts_forecast.processor import TsForecastProcessor
from plx_train.series.frame import Series
from plx_train.series.read.splits import SeriesData, read_data, roles_of
from plx_train.series.room import FusingRoom

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.ts_forecast.module import TsForecast


class TsForecastRoom(FusingRoom[TsForecastConfig, SeriesData, TsForecastProcessor, CheckedForecasts]):
    """Says how series go on."""

    contract = 1
    name = "ts_forecast"
    options = TsForecastConfig
    processor = TsForecastProcessor
    metric = TsForecastMetric
    monitor = "mse"

    def check_options(self, options: TsForecastConfig, dataset: DatasetOptions) -> None:
        """Refuses a season that no context holds."""
        if options.period is not None and options.period > options.context:
            raise ConfigError(f"module.period must be 1 to module.context={options.context}, not {options.period}")

    def window(self, options: TsForecastConfig) -> int:
        """Rows that are looked at, and those that are forecast."""
        return options.context + options.horizon

    def read(self, dataset: DatasetOptions, options: TsForecastConfig) -> SeriesData:
        """The series of both files."""
        roles = roles_of(dataset)
        return read_data(dataset, roles, roles)

    def fit(
        self, data: SeriesData, dataset: DatasetOptions, options: TsForecastConfig, weights: str | None
    ) -> TsForecastProcessor | None:
        """The processor with the scaling and the seasons of the training series."""
        return fit_facts(data.train, options)

    def check(
        self,
        data: SeriesData,
        processor: TsForecastProcessor | None,
        dataset: DatasetOptions,
        options: TsForecastConfig,
    ) -> CheckedForecasts:
        """What is wrong or odd in a dataset for the windows that options, or a finished model, ask for."""
        facts = processor or options
        return check_forecasts(data, processor, (facts.context, facts.horizon))

    def build(
        self,
        options: TsForecastConfig,
        processor: TsForecastProcessor,
        checked: CheckedForecasts | None,
        is_fine_tuning: bool,
    ) -> TsForecast:
        """The module; it takes nothing of the data but what the processor says."""
        from plx_train.modules.ts_forecast.module import TsForecast

        return TsForecast(options, processor, is_fine_tuning)

    def overlay(
        self,
        processor: TsForecastProcessor,
        original: Series,
        prediction: TsForecastPrediction,
        truth: np.ndarray | None = None,
    ) -> np.ndarray:
        """The context with the forecast behind it; `truth` is on the scaled axis."""
        return draw_overlay(original, prediction, None if truth is None else processor.scaler.inverse(truth))

    def member_shares(self, options: TsForecastConfig) -> Sequence[float]:
        """Shares of the training rows that members leave out; above 0 where weights are learned on them."""
        if options.fusion != "stack":
            return (0.0,)
        return (HOLDOUT_SHARE, 0.0) if options.refit else (HOLDOUT_SHARE,)
