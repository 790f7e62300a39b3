"""Cross entropy with soft targets, smoothed labels and weights of classes."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle.nn import functional as F


def classification_loss(
    logits: paddle.Tensor, target: paddle.Tensor, smoothing: float = 0.0, weights: Sequence[float] | None = None
) -> dict[str, paddle.Tensor]:
    """Scalar ``loss``, the mean over the samples.

    Args:
        logits: (N, classes).
        target: float32 (N, classes), each row of sum 1.
        smoothing: share of each target that is spread over all classes.
        weights: one per class, whose mean over the training samples is 1.
    """
    target = target * (1 - smoothing) + smoothing / logits.shape[-1]
    if weights is not None:
        target = target * paddle.to_tensor(list(weights), dtype=target.dtype)
    return {"loss": -(target * F.log_softmax(logits, axis=-1)).sum(axis=-1).mean()}
