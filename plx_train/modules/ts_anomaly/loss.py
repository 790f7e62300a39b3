"""What reconstruction is trained on: squared or absolute errors on the scaled axis."""

from __future__ import annotations

import paddle
from paddle.nn import functional as F


def reconstruction_loss(output: paddle.Tensor, rows: paddle.Tensor, kind: str) -> paddle.Tensor:
    """Scalar loss of windows given back, both (N, L, C); `kind` is mse, mae or huber."""
    if kind == "mae":
        return F.l1_loss(output, rows)
    return F.mse_loss(output, rows) if kind == "mse" else F.smooth_l1_loss(output, rows)
