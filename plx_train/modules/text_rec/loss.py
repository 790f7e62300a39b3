"""The loss of texts and, where there is a guide, its own beside it."""

from __future__ import annotations

import paddle
from paddle.nn import functional as F

from plx_train.distributed.ranks import total
from plx_train.modules.text_rec.targets import PAD
from plx_train.nn.losses import ctc_loss

SMOOTHING = 0.1
"""Share of the probability that the guide gives to all wrong tokens together."""


def guided_loss(
    logits: paddle.Tensor, guide_logits: paddle.Tensor, batch: dict[str, paddle.Tensor]
) -> dict[str, paddle.Tensor]:
    """Scalars ``loss_ctc``, ``loss_nrtr`` and their sum ``loss``, as published (MultiLoss).

    Args:
        logits: (N, T, classes).
        guide_logits: (N, S - 1, tokens), for each token but the first.
        batch: as for `ctc_loss`, and ``guide_tokens`` int64 (N, S).
    """
    ctc = ctc_loss(logits, batch)["loss"]
    nrtr = spelling_loss(guide_logits, batch["guide_tokens"][:, 1:])
    return {"loss": ctc + nrtr, "loss_ctc": ctc, "loss_nrtr": nrtr}


def spelling_loss(logits: paddle.Tensor, tokens: paddle.Tensor) -> paddle.Tensor:
    """Cross entropy with label smoothing: the mean over all tokens that are no padding; 0 where there is none.

    Args:
        logits: (N, S, tokens).
        tokens: int64 (N, S), the right ones.
    """
    logarithms = F.log_softmax(logits, axis=-1)
    right = paddle.take_along_axis(logarithms, tokens.unsqueeze(-1), axis=-1).squeeze(-1)
    wrong = (logarithms.sum(axis=-1) - right) / (logits.shape[-1] - 1)
    is_text = (tokens != PAD).astype("float32")
    losses = -(1 - SMOOTHING) * right - SMOOTHING * wrong
    return total((losses * is_text).sum()) / total(is_text.sum()).clip(min=1.0)
