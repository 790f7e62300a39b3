"""Losses of networks that give series: squared or absolute errors on the scaled axis, or the pinball loss."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle.nn import functional as F


def distance(given: paddle.Tensor, wanted: paddle.Tensor, kind: str) -> paddle.Tensor:
    """Mean over all values of two tensors of one shape; `kind` is mse, mae or huber."""
    if kind == "mae":
        return F.l1_loss(given, wanted)
    return F.mse_loss(given, wanted) if kind == "mse" else F.smooth_l1_loss(given, wanted)


def forecast_loss(
    prediction: paddle.Tensor, target: paddle.Tensor, kind: str, quantiles: Sequence[float] = ()
) -> paddle.Tensor:
    """Scalar loss.

    Args:
        prediction: (N, H, C), or (N, H, C, Q) where there are quantiles.
        target: (N, H, C).
        kind: mse, mae or huber; with quantiles the pinball loss (Koenker and Bassett, 1978) whatever it is.
    """
    if len(quantiles) > 1:
        return pinball_loss(prediction, target.unsqueeze(-1), quantiles)
    if len(quantiles) == 1:
        return pinball_loss(prediction.unsqueeze(-1), target.unsqueeze(-1), quantiles)
    return distance(prediction, target, kind)


def pinball_loss(prediction: paddle.Tensor, target: paddle.Tensor, quantiles: Sequence[float]) -> paddle.Tensor:
    """Mean of q·(y − ŷ) where the truth lies above and (1 − q)·(ŷ − y) where it lies below; (…, Q) and (…, 1)."""
    levels = paddle.to_tensor(list(quantiles), dtype=prediction.dtype)
    errors = target - prediction
    return paddle.maximum(levels * errors, (levels - 1) * errors).mean()
