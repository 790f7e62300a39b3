"""ROCKET features and a ridge head as one graph, so that the fitted method is exported like any network."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.modules.ts_cls.ridge import RidgeHead
from plx_train.modules.ts_cls.rocket import MIN_DEVIATION, RocketKernels

LOWEST = -1e30
"""Stands for a response that does not count; a maximum never sees it, for every series has one that does."""


class RocketNetwork(nn.Layer):
    """Scores (B, n) of series, or their features (B, 2·K) where there is no head; nothing in it is trained.

    Equal to `rocket_features` but for rounding: maxima to 1e-4 of the largest response. A positive share is a count of
    responses above 0, and differs by at most the share of those that lie within rounding of 0.
    """

    def __init__(self, kernels: RocketKernels, head: RidgeHead | None = None) -> None:
        super().__init__()
        self.is_standardised = bool(kernels.is_standardised)
        self.groups = [
            RocketGroup(kernels.weights[place, :, :length], kernels.biases[place], dilation, num_unpadded)
            for place, length, dilation, num_unpadded in kernels.groups()
        ]
        for number, group in enumerate(self.groups):
            self.add_sublayer(f"group{number}", group)
        self.has_head = head is not None
        if head is not None:
            weights, intercept = head.folded()
            self.register_buffer("head_weights", paddle.to_tensor(weights.astype(np.float32)))
            self.register_buffer("head_intercept", paddle.to_tensor(intercept.astype(np.float32)))

    def forward(self, features: paddle.Tensor, pad_mask: paddle.Tensor | None = None) -> paddle.Tensor:
        """Of series float32 (B, L, C); the mask (B, L) is 1 for rows of the series, 0 for those that fill it up."""
        found = self.features(features, pad_mask)
        return found @ self.head_weights + self.head_intercept if self.has_head else found

    def features(self, series: paddle.Tensor, pad_mask: paddle.Tensor | None = None) -> paddle.Tensor:
        """Features (B, 2·K): largest responses, then positive shares."""
        mask = paddle.ones_like(series[:, :, 0]) if pad_mask is None else pad_mask.astype(series.dtype)
        mask = mask.unsqueeze(1)
        channels = series.transpose([0, 2, 1]) * mask
        if self.is_standardised:
            channels = standardised(channels, mask)
        pooled = [group(channels, mask) for group in self.groups]
        return paddle.concat([each[0] for each in pooled] + [each[1] for each in pooled], axis=1)


class RocketGroup(nn.Layer):
    """Kernels of one length and dilation; the first `num_unpadded` see only rows that they reach without padding.

    Args:
        weights: (K, C, length).
        biases: (K,).
    """

    def __init__(self, weights: np.ndarray, biases: np.ndarray, dilation: int, num_unpadded: int) -> None:
        super().__init__()
        self.dilation, self.num_unpadded = dilation, num_unpadded
        self.num_padded = len(weights) - num_unpadded
        self.reach = (weights.shape[-1] - 1) // 2 * dilation
        self.register_buffer("weights", paddle.to_tensor(np.ascontiguousarray(weights)))
        self.register_buffer("biases", paddle.to_tensor(biases))

    def forward(self, channels: paddle.Tensor, mask: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Maxima and positive shares (B, K) of series (B, C, L), mask (B, 1, L)."""
        responses = F.conv1d(channels, self.weights, self.biases, padding=self.reach, dilation=self.dilation)
        parts = []
        if self.num_unpadded:
            parts.append(_pooled(responses[:, : self.num_unpadded], self._inside(mask)))
        if self.num_padded:
            parts.append(_pooled(responses[:, self.num_unpadded :], mask))
        maxima, shares = ([part[which] for part in parts] for which in (0, 1))
        return paddle.concat(maxima, axis=1), paddle.concat(shares, axis=1)

    def _inside(self, mask: paddle.Tensor) -> paddle.Tensor:
        """Mask of the rows that a kernel reaches without padding, or of all where the series is too short for it."""
        places = paddle.cumsum(mask, axis=-1)
        num_rows = mask.sum(axis=-1, keepdim=True)
        is_inside = (places > self.reach) & (places <= num_rows - self.reach)
        return mask * (is_inside | (num_rows <= 2 * self.reach)).astype(mask.dtype)


def standardised(channels: paddle.Tensor, mask: paddle.Tensor) -> paddle.Tensor:
    """Series (B, C, L) with mean 0 and deviation 1 over the rows of the mask (B, 1, L), 0 elsewhere."""
    num_rows = mask.sum(axis=-1, keepdim=True)
    centred = (channels - channels.sum(axis=-1, keepdim=True) / num_rows) * mask
    # Not paddle.square: in an exported graph oneDNN writes its result over `centred`, which is needed below.
    deviation = paddle.sqrt((centred * centred).sum(axis=-1, keepdim=True) / num_rows)
    return centred / paddle.clip(deviation, min=MIN_DEVIATION)


def _pooled(responses: paddle.Tensor, mask: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
    counted = responses * mask + (1 - mask) * LOWEST
    shares = (counted > 0).astype(mask.dtype).sum(axis=-1) / mask.sum(axis=-1)
    return counted.max(axis=-1), shares
