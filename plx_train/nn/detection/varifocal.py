"""Varifocal loss (arXiv 2008.13367)."""

from __future__ import annotations

import paddle
from paddle.nn import functional as F

NEGATIVE_WEIGHT, FOCUS = 0.75, 2.0
"""Weight of what is not to be found, and the power of its score that it is multiplied by."""


def varifocal(logits: paddle.Tensor, target: paddle.Tensor, is_learned: paddle.Tensor) -> paddle.Tensor:
    """The sum over all `logits`: targets weigh as much as they say.

    Args:
        target: scores that are wanted, and `is_learned` 1 where there is one, 0 elsewhere; both as `logits`.
    """
    score = F.sigmoid(logits)
    weight = paddle.where(is_learned > 0, target, NEGATIVE_WEIGHT * score**FOCUS)
    return (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight).sum()
