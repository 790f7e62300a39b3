"""Cross entropy of classes, with smoothed labels and weights of classes."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle.nn import functional as F


def classification_loss(
    logits: paddle.Tensor, labels: paddle.Tensor, smoothing: float = 0.0, weights: Sequence[float] | None = None
) -> paddle.Tensor:
    """Scalar loss, the mean over the series.

    Args:
        logits: (N, classes).
        labels: int64 (N,), numbers of the classes.
        smoothing: share of each target that is spread over all classes.
        weights: one per class, whose mean over the training series is 1.
    """
    num_classes = logits.shape[-1]
    target = F.one_hot(labels, num_classes) * (1 - smoothing) + smoothing / num_classes
    if weights is not None:
        target = target * paddle.to_tensor(list(weights), dtype=target.dtype)
    return -(target * F.log_softmax(logits, axis=-1)).sum(axis=-1).mean()
