"""The options of forecasting; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from plx_train.contract.option import Trait, above, at_least, one_of, option
from plx_train.nn.series.sizes import FORECASTERS

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
    name: str = option("ts_forecast", Trait.INTERNAL)
    network: str = option("DLinear", one_of(*FORECASTERS))
    """Network that forecasts."""
    models: list[str] = option([], one_of(*FORECASTERS), Trait.OF_FUSION)
    """Several networks, each trained by a run of its own, and fused: [DLinear, PatchTST, TiDE]."""
    fusion: str = option("stack", one_of("stack", "mean", "median"), Trait.OF_FUSION)
    """How `models` are fused; stack: with weights learned on held-out windows, none below 0."""
    refit: bool = option(True, Trait.OF_FUSION)
    """Trains a stack's members anew on all rows after its weights are learned: twice the time."""
    members: list[str] = option([], Trait.INTERNAL, Trait.OF_FUSION)
    """Folders of the runs to fuse; found by `models`, not for hand."""
    refitted: list[str] = option([], Trait.INTERNAL)
    """Folders of the same trained on all rows; found by `models`, not for hand."""
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
    quantiles: list[float] = option([], above(0, below=1))
    """Levels to forecast, rising, as in [0.1, 0.5, 0.9]; empty: the value alone."""
    loss: str = option("mse", one_of("mse", "mae", "huber"))
    """What training lessens, on the scaled axis; with quantiles it is the pinball loss."""
    period: int | None = option(None, at_least(1))
    """Rows of a season, for the seasonal naive baseline and mase; null: found in the training series."""
    hidden: int | None = option(None, at_least(1))
    """Width of the network; null: its own default."""
    depth: int | None = option(None, at_least(1))
    """Layers of the network; null: its own default."""
    dropout: float | None = option(None, at_least(0, below=1))
    """Share of features left out in training; null: the network's own default."""
    fitted: FittedOptions = option(FittedOptions, Trait.INTERNAL)

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
