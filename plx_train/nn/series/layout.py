"""Between rows of channels, as series are given, and channels of rows, as networks compute."""

from __future__ import annotations

import paddle
from paddle import nn

EPSILON = 1e-5


def channels_first(rows: paddle.Tensor) -> paddle.Tensor:
    """(B, L, C) as (B, C, L)."""
    return rows.transpose([0, 2, 1])


def as_forecast(found: paddle.Tensor, horizon: int, quantiles: int) -> paddle.Tensor:
    """(B, C, H·Q) as (B, H, C), or as (B, H, C, Q) where there are several quantiles."""
    if quantiles == 1:
        return found.transpose([0, 2, 1])
    batch, channels = found.shape[:2]
    return found.reshape([batch, channels, horizon, quantiles]).transpose([0, 2, 1, 3])


def mean_of_last(x: paddle.Tensor) -> paddle.Tensor:
    """Mean over the last axis, which is kept."""
    # Not .mean(): Paddle 3.3.1's oneDNN inference prints a line for every one when a graph is loaded.
    return x.sum(axis=-1, keepdim=True) / x.shape[-1]


class ReversibleNorm(nn.Layer):
    """Takes a window's own mean and deviation away and gives them back: RevIN (Kim et al., 2022).

    Args:
        channels: C; None: no scale and shift are learned.
    """

    def __init__(self, channels: int | None = None) -> None:
        super().__init__()
        self.is_affine = channels is not None
        if channels is not None:
            one = paddle.ParamAttr(initializer=nn.initializer.Constant(1.0))
            self.scale = self.create_parameter([channels, 1], one)
            self.shift = self.create_parameter([channels, 1], is_bias=True)

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor, paddle.Tensor]:
        """x (B, C, L) normalised, its mean and its deviation (B, C, 1)."""
        mean = mean_of_last(x)
        centred = x - mean
        # Not .square() or .var(): Paddle's oneDNN inference writes their results into their input.
        deviation = paddle.sqrt(mean_of_last(centred * centred) + EPSILON)
        normal = centred / deviation
        return (normal * self.scale + self.shift if self.is_affine else normal), mean, deviation

    def restore(self, x: paddle.Tensor, mean: paddle.Tensor, deviation: paddle.Tensor) -> paddle.Tensor:
        """x (B, C, any) on the axis of the given window."""
        if self.is_affine:
            x = (x - self.shift) / (self.scale + EPSILON * EPSILON)
        return x * deviation + mean
