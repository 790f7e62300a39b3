"""The options of anomaly detection; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.series.options import SizeOptions

RULES = ("percentile", "pot", "best_f1")
"""How the threshold is chosen."""
HOLDOUT_SHARE = 0.15
"""Of the training rows, on which the scores of a fusion's members are ranked where the command holds out none."""
SCORES_PER_CONTEXT = 16
"""Windows that score a row where `score_stride` is left open: more cost more and say little more."""


@dataclass
class TsAnomalyConfig(SizeOptions):
    """Options of the room ts_anomaly."""

    name: str = "ts_anomaly"
    network: str = "AutoEncoder_ad"
    """AutoEncoder_ad, DLinear_ad, PatchTST_ad or TimesNet_ad."""
    models: list[str] = field(default_factory=list)
    """Several networks, each trained by a run of its own, and fused by the mean rank of their scores."""
    model_name: str | None = None
    """Name in the exported inference.yml, which PaddleX must know; null: the network's."""
    context: int = 96
    """Rows of a window that is given back; PaddleX's in_chunk_len. What is strange must be seen in one."""
    stride: int = 1
    """Rows between one training window and the next."""
    score_stride: int | None = None
    """Rows between windows when a series is scored; null: a sixteenth of the context, so that 16 score each row."""
    smooth: int = 1
    """Rows over which errors are averaged within a window; 1: each row by itself. For events that last."""
    threshold: str = "percentile"
    """Rule for the score from which on rows are anomalous: percentile or pot of held-out rows, or best_f1 of labels."""
    percent: float = 99.0
    """For percentile: share of held-out rows that stay below the threshold, in per cent."""
    risk: float = 1e-4
    """For pot: probability that a normal row exceeds the threshold."""
    level: float = 0.98
    """For pot: quantile from which on scores count as peaks."""
    loss: str = "mse"
    """mse, mae or huber, on the scaled axis."""

    @property
    def score_rows(self) -> int:
        """Rows between windows when a series is scored."""
        return self.score_stride or max(self.context // SCORES_PER_CONTEXT, 1)
