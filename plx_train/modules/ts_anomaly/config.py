"""The options of anomaly detection; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import Trait, above, at_least, one_of, option
from plx_train.nn.series.sizes import RECONSTRUCTORS
from plx_train.series.options import NetworkOptions

HOLDOUT_SHARE = 0.15
"""Share of the training rows on which the scores of a fusion's members are ranked where the command holds out none."""
SCORES_PER_CONTEXT = 16
"""Windows that score a row where `score_stride` is left open: more cost more and say little more."""


@dataclass
class TsAnomalyConfig(NetworkOptions):
    """Options of the room ts_anomaly."""

    name: str = option("ts_anomaly", Trait.INTERNAL)
    network: str = option("AutoEncoder_ad", one_of(*RECONSTRUCTORS))
    """Network that gives windows back."""
    models: list[str] = option([], one_of(*RECONSTRUCTORS), Trait.OF_FUSION)
    """Networks, each trained by a run of its own, that are fused by the mean rank of their scores."""
    model_name: str | None = option(None, Trait.OF_FUSION)
    """Name in the exported inference.yml, which PaddleX must know; null: the network's."""
    context: int = option(96, at_least(1))
    """Rows of a window that is given back, in which what is strange must be seen; PaddleX's in_chunk_len."""
    stride: int = option(1, at_least(1))
    """Rows between one training window and the next."""
    score_stride: int | None = option(None, at_least(1))
    """Rows between windows when a series is scored; null: a sixteenth of the context, so that 16 score each row."""
    smooth: int = option(1, at_least(1))
    """Rows over which errors are averaged within a window, for events that last; 1: each row by itself."""
    threshold: str = option("percentile", one_of("percentile", "pot", "best_f1"))
    """Rule for the score from which on rows are anomalous: percentile or pot of held-out rows, or best_f1 of labels."""
    percent: float = option(99.0, above(0, below=100))
    """Share of held-out rows that stay below the threshold of percentile, in per cent."""
    risk: float = option(1e-4, above(0, below=1))
    """Probability that a normal row exceeds the threshold of pot."""
    level: float = option(0.98, above(0, below=1))
    """Quantile from which on scores count as peaks in pot."""
    loss: str = option("mse", one_of("mse", "mae", "huber"))
    """Error on the scaled axis that training lessens."""
