"""Losses of classifiers, of one class among several and of several labels each by itself, and of texts."""

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


def ctc_loss(logits: paddle.Tensor, batch: dict[str, paddle.Tensor]) -> dict[str, paddle.Tensor]:
    """Scalar ``loss``: the mean over the texts of minus the logarithm of their probability, 0 for an empty one.

    Connectionist temporal classification (Graves et al., 2006); class 0 is the blank.

    Args:
        logits: (N, T, classes).
        batch: ``classes`` int32 (N, L), ``lengths`` int64 (N,) of them; L <= T. Where it has ``weight``, float32 (N,),
            each text counts by its own.
    """
    steps = paddle.full([logits.shape[0]], logits.shape[1], "int64")
    # Paddle ends the process where all texts are empty: they are given a character, which counts for nothing.
    lengths = batch["lengths"].clip(min=1)
    losses = F.ctc_loss(logits.transpose([1, 0, 2]), batch["classes"], steps, lengths, reduction="none")
    losses = losses * (batch["lengths"] > 0).astype(losses.dtype)
    return {"loss": trusted_mean(losses, batch.get("weight"))}


def weighed(batch: dict[str, paddle.Tensor], masks: Sequence[str]) -> dict[str, paddle.Tensor]:
    """`batch` whose `masks` (N, H, W) count by ``weight``, float32 (N,), where it has that."""
    if "weight" not in batch:
        return batch
    weight = batch["weight"].reshape([-1, 1, 1])
    return batch | {name: batch[name] * weight for name in masks if name in batch}
