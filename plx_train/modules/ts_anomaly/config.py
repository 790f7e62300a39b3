"""The options of anomaly detection; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import Trait, above, at_least, one_of, option
from plx_train.nn.series.sizes import RECONSTRUCTORS

HOLDOUT_SHARE = 0.15
"""Of the training rows, on which the scores of a fusion's members are ranked where the command holds out none."""
SCORES_PER_CONTEXT = 16
"""Windows that score a row where `score_stride` is left open: more cost more and say little more."""


@dataclass
class FittedOptions:
    """What the series say; found when a run begins, not for hand."""

    features: list[str] = field(default_factory=list)
    time: str | None = None
    group: str | None = None
    label: str | None = None
    """Column of 0 and 1 that marks anomalies; null: neither file has one."""
    has_anomalies: bool = True
    """Whether validation has normal and anomalous rows: without them the reconstruction error is all there is."""
    frequency: str = "1"
    """As PaddleX writes it: 1h, 10min, or a whole number."""
    periods: list[int] = field(default_factory=list)
    """Rows of the strongest frequencies in training, for TimesNet_ad."""
    mean: list[float] = field(default_factory=list)
    std: list[float] = field(default_factory=list)


@dataclass
class TsAnomalyConfig:
    """Options of the room ts_anomaly."""

    name: str = option("ts_anomaly", Trait.INTERNAL)
    network: str = option("AutoEncoder_ad", one_of(*RECONSTRUCTORS))
    """Network that gives windows back."""
    models: list[str] = option([], one_of(*RECONSTRUCTORS), Trait.OF_FUSION)
    """Several networks, each trained by a run of its own, and fused by the mean rank of their scores."""
    members: list[str] = option([], Trait.INTERNAL, Trait.OF_FUSION)
    """Folders of the runs to fuse; found by `models`, not for hand."""
    model_name: str | None = option(None, Trait.OF_FUSION)
    """Name in the exported inference.yml, which PaddleX must know; null: the network's."""
    context: int = option(96, at_least(1))
    """Rows of a window that is given back; PaddleX's in_chunk_len. What is strange must be seen in one."""
    stride: int = option(1, at_least(1))
    """Rows between one training window and the next."""
    score_stride: int | None = option(None, at_least(1))
    """Rows between windows when a series is scored; null: a sixteenth of the context, so that 16 score each row."""
    smooth: int = option(1, at_least(1))
    """Rows over which errors are averaged within a window; 1: each row by itself. For events that last."""
    threshold: str = option("percentile", one_of("percentile", "pot", "best_f1"))
    """Rule for the score from which on rows are anomalous: percentile or pot of held-out rows, or best_f1 of labels."""
    percent: float = option(99.0, above(0, below=100))
    """Share of held-out rows that stay below the threshold of percentile, in per cent."""
    risk: float = option(1e-4, above(0, below=1))
    """Probability that a normal row exceeds the threshold of pot."""
    level: float = option(0.98, above(0, below=1))
    """Quantile from which on scores count as peaks in pot."""
    loss: str = option("mse", one_of("mse", "mae", "huber"))
    """What training lessens, on the scaled axis."""
    hidden: int | None = option(None, at_least(1))
    """Width of the network; null: its own default."""
    depth: int | None = option(None, at_least(1))
    """Layers of the network; null: its own default."""
    dropout: float | None = option(None, at_least(0, below=1))
    """Share of features left out in training; null: the network's own default."""
    fitted: FittedOptions = option(FittedOptions, Trait.INTERNAL)

    @property
    def member_shares(self) -> tuple[float, ...]:
        """Shares of the training rows that members leave out, run by run: those that scores are ranked on."""
        return (HOLDOUT_SHARE,)

    @property
    def monitor(self) -> str:
        """Key of the metric that picks the best checkpoint."""
        return "auroc" if self.fitted.has_anomalies else "mse"

    @property
    def pretrained(self) -> str | None:
        """Nothing is published for these networks: they start from scratch."""
        return None
