"""ROCKET as a network: its kernels as convolutions, of which nothing is trained."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.series.rocket import RocketKernels
from plx_train.nn.series.standardise import standardised

HIGHEST = 1e30
"""Taken from responses that do not count; a maximum never sees them, for every series has one that does."""


class RocketNetwork(nn.Layer):
    """Logits (B, n) of series, or their features (B, 2·K) where there is no head; nothing in it is trained.

    Equal to `rocket_features` but for rounding: maxima to 1e-4 of the largest response. A positive share is a count of
    responses above 0, and differs by at most the share of those that lie within rounding of 0.

    Args:
        head: weights (2·K, n) and intercept (n,).
    """

    def __init__(self, kernels: RocketKernels, head: tuple[np.ndarray, np.ndarray] | None = None) -> None:
        super().__init__()
        self.is_standardised, self.has_differences = bool(kernels.is_standardised), bool(kernels.has_differences)
        self.groups = nn.LayerList(
            [
                RocketGroup(kernels.weights[part, :, :length], kernels.biases[part], dilation, is_padded)
                for place, length, dilation, num_unpadded in kernels.groups()
                for part, is_padded in _parts(place, num_unpadded)
            ]
        )
        self.has_head = head is not None
        if head is not None:
            self.register_buffer("head_weights", paddle.to_tensor(head[0].astype(np.float32)))
            self.register_buffer("head_intercept", paddle.to_tensor(head[1].astype(np.float32)))

    def forward(self, features: paddle.Tensor, pad_mask: paddle.Tensor | None = None) -> paddle.Tensor:
        """Scores of series float32 (B, L, C); the mask (B, L) is 1 for its rows, 0 for those that fill it up."""
        found = self.features(features, pad_mask)
        return found @ self.head_weights + self.head_intercept if self.has_head else found

    def features(self, series: paddle.Tensor, pad_mask: paddle.Tensor | None = None) -> paddle.Tensor:
        """Features (B, 2·K): largest responses, then positive shares."""
        mask = paddle.ones_like(series[:, :, 0]) if pad_mask is None else pad_mask.astype(series.dtype)
        mask = mask.unsqueeze(1)
        channels = series.transpose([0, 2, 1]) * mask
        if self.is_standardised:
            channels = standardised(channels, mask)
        if self.has_differences:
            # The first row lacks one before it, and the first that is filled up is masked.
            before = paddle.concat([channels[:, :, :1], channels[:, :, :-1]], axis=-1)
            channels = paddle.concat([channels, (channels - before) * mask], axis=1)
        pooled = [group(channels, mask) for group in self.groups]
        return paddle.concat([maxima for maxima, _ in pooled] + [shares for _, shares in pooled], axis=1)


def _parts(place: slice, num_unpadded: int) -> list[tuple[slice, bool]]:
    """Places of a group's kernels without padding, and of those with it, where there are any."""
    middle = place.start + num_unpadded
    parts = [(slice(place.start, middle), False), (slice(middle, place.stop), True)]
    return [(part, is_padded) for part, is_padded in parts if part.stop > part.start]


class RocketGroup(nn.Layer):
    """Kernels of one length and dilation, all padded or none of them.

    Bias and mask are channels of the convolution, of which a kernel sees the row in its middle: to add them to the
    responses takes longer than all the rest.

    Args:
        weights: (K, C, length).
        biases: (K,).
    """

    def __init__(self, weights: np.ndarray, biases: np.ndarray, dilation: int, is_padded: bool) -> None:
        super().__init__()
        num_kernels, _, length = weights.shape
        more = np.zeros((num_kernels, 2, length), np.float32)
        more[:, 0, length // 2], more[:, 1, length // 2] = biases, HIGHEST
        self.dilation, self.reach, self.is_padded = dilation, length // 2 * dilation, is_padded
        self.register_buffer("weights", paddle.to_tensor(np.concatenate([weights, more], axis=1)))

    def forward(self, channels: paddle.Tensor, mask: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Maxima and positive shares (B, K) of series (B, C, L), 0 where the mask (B, 1, L) is."""
        counted = mask if self.is_padded else self._inside(mask)
        seen = paddle.concat([channels, mask, counted - 1], axis=1)
        responses = F.conv1d(seen, self.weights, padding=self.reach, dilation=self.dilation)
        shares = (responses > 0).astype(mask.dtype).sum(axis=-1) / counted.sum(axis=-1)
        return responses.max(axis=-1), shares

    def _inside(self, mask: paddle.Tensor) -> paddle.Tensor:
        """Mask of the rows that a kernel reaches without padding, or of all where the series is too short for it."""
        places = paddle.cumsum(mask, axis=-1)
        num_rows = mask.sum(axis=-1, keepdim=True)
        is_inside = (places > self.reach) & (places <= num_rows - self.reach)
        return mask * (is_inside | (num_rows <= 2 * self.reach)).astype(mask.dtype)
