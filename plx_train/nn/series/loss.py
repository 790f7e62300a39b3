"""Distances of what networks of series give from what they should."""

from __future__ import annotations

import paddle
from paddle.nn import functional as F


def distance(given: paddle.Tensor, wanted: paddle.Tensor, kind: str) -> paddle.Tensor:
    """Mean over all values of two tensors of one shape; `kind` is mse, mae or huber."""
    if kind == "mae":
        return F.l1_loss(given, wanted)
    return F.mse_loss(given, wanted) if kind == "mse" else F.smooth_l1_loss(given, wanted)
