"""The options of forecasting; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.series.options import SizeOptions

FUSIONS = ("stack", "mean", "median")
HOLDOUT_SHARE = 0.15
"""Of the training rows, on which a stack's weights are learned where the command holds out none."""


@dataclass
class TsForecastConfig(SizeOptions):
    """Options of the room ts_forecast."""

    name: str = "ts_forecast"
    network: str = "DLinear"
    """DLinear, NLinear, RLinear, PatchTST, TiDE or TimesNet."""
    models: list[str] = field(default_factory=list)
    """Several networks, each trained by a run of its own, and fused: [DLinear, PatchTST, TiDE]."""
    fusion: str = "stack"
    """How they are fused: stack (weights from held-out windows, none below 0), mean or median."""
    refit: bool = True
    """After the weights of a stack are learned, trains its members anew on all rows: twice the time."""
    model_name: str | None = None
    """Name in the exported inference.yml, which PaddleX must know; null: the network's."""
    context: int = 96
    """Rows that a forecast is made from; PaddleX's in_chunk_len."""
    horizon: int = 24
    """Rows that are forecast; PaddleX's out_chunk_len."""
    stride: int = 1
    """Rows between one training window and the next."""
    calendar: bool = False
    """Adds hour, day of month, week and year as covariates that are known ahead; PaddleX's time_feat."""
    quantiles: list[float] = field(default_factory=list)
    """Levels to forecast, as in [0.1, 0.5, 0.9]; empty: the value alone."""
    loss: str = "mse"
    """mse, mae or huber, on the scaled axis; with quantiles the pinball loss."""
    period: int | None = None
    """Rows of a season, for the seasonal naive baseline and mase; null: found in the training series."""
