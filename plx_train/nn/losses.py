"""Losses of classifiers: of one class among several, and of several labels each by itself."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle.nn import functional as F

SMALLEST = 1e-8
"""Probability below which a logarithm is cut off."""


def classification_loss(
    logits: paddle.Tensor,
    target: paddle.Tensor,
    smoothing: float = 0.0,
    weights: Sequence[float] | None = None,
    trust: paddle.Tensor | None = None,
) -> dict[str, paddle.Tensor]:
    """Scalar ``loss``, the mean over the samples.

    Args:
        logits: (N, classes).
        target: float32 (N, classes), each row of sum 1.
        smoothing: share of each target that is spread over all classes.
        weights: one per class, whose mean over the training samples is 1.
        trust: float32 (N,), by which each sample counts.
    """
    target = target * (1 - smoothing) + smoothing / logits.shape[-1]
    if weights is not None:
        target = target * paddle.to_tensor(list(weights), dtype=target.dtype)
    losses = -(target * F.log_softmax(logits, axis=-1)).sum(axis=-1)
    return {"loss": trusted_mean(losses, trust)}


def trusted_mean(losses: paddle.Tensor, trust: paddle.Tensor | None) -> paddle.Tensor:
    """The mean of losses (N,) over all samples, each times how much it is trusted, where that is said."""
    return losses.mean() if trust is None else (losses * trust).mean()


def label_loss(
    logits: paddle.Tensor,
    target: paddle.Tensor,
    focus: tuple[float, float] = (0.0, 0.0),
    margin: float = 0.0,
    trust: paddle.Tensor | None = None,
) -> dict[str, paddle.Tensor]:
    """Scalar ``loss`` of labels that hold or not, each by itself: the sum over labels, mean over the samples.

    With `focus` and `margin` it is asymmetric (Ridnik et al., 2021): what is surely absent, as most labels are in most
    samples, counts little. With none of them it is the binary cross entropy.

    Args:
        logits: (N, labels).
        target: float32 (N, labels), 0 to 1.
        focus: exponents for labels that hold and for those that don't.
        margin: probability below which a label that does not hold costs nothing.
        trust: float32 (N,), by which each sample counts.
    """
    present, absent = F.sigmoid(logits), F.sigmoid(-logits)
    if margin:
        absent = paddle.clip(absent + margin, max=1.0)
    losses = [
        target * paddle.log(paddle.clip(present, min=SMALLEST)),
        (1 - target) * paddle.log(paddle.clip(absent, min=SMALLEST)),
    ]
    if any(focus):
        losses = [losses[0] * (1 - present) ** focus[0], losses[1] * (1 - absent) ** focus[1]]
    return {"loss": trusted_mean(-(losses[0] + losses[1]).sum(axis=-1), trust)}
