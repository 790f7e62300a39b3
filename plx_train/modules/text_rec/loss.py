"""Connectionist temporal classification (Graves et al., 2006)."""

from __future__ import annotations

import paddle
from paddle.nn import functional as F

from plx_train.modules.text_rec.processor import BLANK


def ctc_loss(logits: paddle.Tensor, batch: dict[str, paddle.Tensor]) -> dict[str, paddle.Tensor]:
    """Scalar ``loss``: the mean over the texts of minus the logarithm of their probability.

    Args:
        logits: (N, T, classes).
        batch: ``classes`` int32 (N, L), ``lengths`` int64 (N,) of them; L <= T.
    """
    steps = paddle.full([logits.shape[0]], logits.shape[1], "int64")
    losses = F.ctc_loss(
        logits.transpose([1, 0, 2]), batch["classes"], steps, batch["lengths"], blank=BLANK, reduction="none"
    )
    return {"loss": losses.mean()}
