"""The options of forecasting; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import RISING, Trait, above, at_least, one_of, option
from plx_train.nn.series.sizes import FORECASTERS
from plx_train.series.options import NetworkOptions

HOLDOUT_SHARE = 0.15
"""Share of the training rows on which a stack's weights are learned where the command holds out none."""


@dataclass
class TsForecastConfig(NetworkOptions):
    """Options of the room ts_forecast."""

    name: str = option("ts_forecast", Trait.INTERNAL)
    network: str = option("DLinear", one_of(*FORECASTERS))
    """Network that forecasts."""
    models: list[str] = option([], one_of(*FORECASTERS), Trait.OF_FUSION)
    """Networks, each trained by a run of its own, that are fused: [DLinear, PatchTST, TiDE]."""
    fusion: str = option("stack", one_of("stack", "mean", "median"), Trait.OF_FUSION)
    """Rule by which `models` are fused; stack: with weights learned on held-out windows, none below 0."""
    refit: bool = option(True, Trait.OF_FUSION)
    """Trains a stack's members anew on all rows after its weights are learned: twice the time."""
    model_name: str | None = option(None, Trait.OF_FUSION)
    """Name in the exported inference.yml, which PaddleX must know; null: the network's."""
    context: int = option(96, at_least(1))
    """Rows that a forecast is made from; PaddleX's in_chunk_len."""
    horizon: int = option(24, at_least(1))
    """Rows that are forecast; PaddleX's out_chunk_len."""
    stride: int = option(1, at_least(1))
    """Rows between one training window and the next."""
    calendar: bool = False
    """Adds hour, day of month, week and year as covariates that are known ahead; PaddleX's time_feat."""
    quantiles: list[float] = option([], above(0, below=1), RISING)
    """Levels to forecast, rising, as in [0.1, 0.5, 0.9]; empty: the value alone."""
    loss: str = option("mse", one_of("mse", "mae", "huber"))
    """Error on the scaled axis that training lessens; with quantiles it is the pinball loss."""
    period: int | None = option(None, at_least(1))
    """Rows of a season, for the seasonal naive baseline and mase; null: found in the training series."""
