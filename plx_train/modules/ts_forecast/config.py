"""The options of forecasting; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

LOSSES = ("mse", "mae", "huber")
FUSIONS = ("stack", "mean", "median")
HOLDOUT_SHARE = 0.15
"""Of the training rows, on which a stack's weights are learned where the command holds out none."""


@dataclass
class FittedOptions:
    """What the training series say; found when a run begins, not for hand."""

    targets: list[str] = field(default_factory=list)
    past_covariates: list[str] = field(default_factory=list)
    future_covariates: list[str] = field(default_factory=list)
    static_covariates: list[str] = field(default_factory=list)
    time: str | None = None
    group: str | None = None
    frequency: str = "1"
    """As PaddleX writes it: 1h, 10min, or a whole number."""
    period: int = 1
    """Rows of a season, of the strongest autocorrelation; 1: there is none."""
    periods: list[int] = field(default_factory=list)
    """Rows of the strongest frequencies, for TimesNet."""
    seasonal_errors: list[float] = field(default_factory=list)
    """Of the seasonal naive in training, per target, scaled: what mase divides by."""
    mean: list[float] = field(default_factory=list)
    """Of targets, past, future and static covariates, in this order."""
    std: list[float] = field(default_factory=list)


@dataclass
class TsForecastConfig:
    """Options of the room ts_forecast."""

    monitor: ClassVar[str] = "mse"
    """Key of the metric that picks the best checkpoint."""
    name: str = "ts_forecast"
    network: str = "DLinear"
    """DLinear, NLinear, RLinear, PatchTST, TiDE or TimesNet."""
    models: list[str] = field(default_factory=list)
    """Several networks, each trained by a run of its own, and fused: [DLinear, PatchTST, TiDE]."""
    fusion: str = "stack"
    """How they are fused: stack (weights from held-out windows, none below 0), mean or median."""
    refit: bool = True
    """After the weights of a stack are learned, trains its members anew on all rows: twice the time."""
    members: list[str] = field(default_factory=list)
    """Folders of the runs to fuse; found by `models`, not for hand."""
    refitted: list[str] = field(default_factory=list)
    """Folders of the same trained on all rows; found by `models`, not for hand."""
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
    hidden: int | None = None
    """Width of the network; null: its own default."""
    depth: int | None = None
    """Layers of the network; null: its own default."""
    dropout: float | None = None
    """null: the network's own default."""
    fitted: FittedOptions = field(default_factory=FittedOptions)

    @property
    def member_shares(self) -> tuple[float, ...]:
        """Shares of the training rows that members leave out, run by run; above 0 where weights are learned on them."""
        if self.fusion != "stack":
            return (0.0,)
        return (HOLDOUT_SHARE, 0.0) if self.refit else (HOLDOUT_SHARE,)

    @property
    def pretrained(self) -> str | None:
        """Nothing is published for these networks: they start from scratch."""
        return None
