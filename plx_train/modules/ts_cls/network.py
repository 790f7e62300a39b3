"""Networks of classification by name; ROCKET and its ridge head among them, as a graph like any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.backbones.series.registry import CLASSIFIERS, build_classifier
from plx_train.errors import ConfigError
from plx_train.modules.ts_cls.config import ROCKET, TsClsConfig
from plx_train.modules.ts_cls.ridge import RidgeHead
from plx_train.modules.ts_cls.rocket import MIN_DEVIATION, RocketKernels, draw_kernels, from_arrays

LOWEST = -1e30
"""Stands for a response that does not count; a maximum never sees it, for every series has one that does."""
MAX_SEED = 1 << 31


def build_network(config: TsClsConfig) -> nn.Layer:
    """The network that `config` asks for: rows (B, L, C) and their mask (B, L) to logits (B, n).

    Raises:
        ConfigError: there is no such network, or it has no such size.
        DataError: the series are too short for ROCKET.
    """
    found = config.fitted
    if config.network == ROCKET:
        # The run has seeded numpy; what is drawn here stays with the network's arrays.
        seed = int(np.random.randint(MAX_SEED))
        kernels = draw_kernels(config.num_kernels, len(found.columns), found.median_rows, seed)
        return RocketClassifier(kernels, len(found.classes))
    if config.network not in CLASSIFIERS:
        known = ", ".join([*CLASSIFIERS, ROCKET])
        raise ConfigError(f"there is no network {config.network!r}: module.network is one of {known}")
    return build_classifier(
        config.network,
        *(found.length, len(found.columns), len(found.classes), tuple(found.periods)),
        *(config.hidden, config.depth, config.dropout),
    )


class RocketClassifier(nn.Layer):
    """ROCKET with a linear head, whose state are the kernels' arrays: weights that are loaded bring their own kernels.

    Before `take` every series has the same score of each class.
    """

    def __init__(self, kernels: RocketKernels, num_classes: int) -> None:
        super().__init__()
        for name, values in kernels.to_arrays().items():
            # Checkpoints hold no arrays without an axis.
            self.register_buffer(f"kernel_{name}", paddle.to_tensor(np.atleast_1d(values)))
        self.names = tuple(kernels.to_arrays())
        zeros = nn.initializer.Constant(0.0)
        self.head = nn.Linear(kernels.num_features, num_classes, weight_attr=zeros, bias_attr=zeros)

    def kernels(self) -> RocketKernels:
        """Those of now."""
        return from_arrays({name: getattr(self, f"kernel_{name}").numpy() for name in self.names})

    def take(self, head: RidgeHead) -> None:
        """Takes over a head that was fitted to `kernels`' features."""
        weights, intercept = head.folded()
        self.head.weight.set_value(weights.astype(np.float32))
        self.head.bias.set_value(intercept.astype(np.float32))

    def graph(self) -> RocketNetwork:
        """The same with its kernels' order fixed, for export."""
        return RocketNetwork(self.kernels(), (self.head.weight.numpy(), self.head.bias.numpy()))

    def forward(self, features: paddle.Tensor, pad_mask: paddle.Tensor) -> paddle.Tensor:
        """Logits (B, n) of series float32 (B, L, C); the mask (B, L) is 1 for rows of the series."""
        kernels, mask = self.kernels(), pad_mask.unsqueeze(1)
        channels = features.transpose([0, 2, 1]) * mask
        if kernels.is_standardised:
            channels = standardised(channels, mask)
        return self.head(joined(self._by_group(kernels, channels, mask)))

    def _by_group(
        self, kernels: RocketKernels, channels: paddle.Tensor, mask: paddle.Tensor
    ) -> Iterator[tuple[paddle.Tensor, paddle.Tensor]]:
        for place, length, dilation, num_unpadded in kernels.groups():
            weights = self.kernel_weights[place.start : place.stop, :, :length]
            biases = self.kernel_biases[place.start : place.stop]
            yield group_features(channels, mask, weights, biases, (dilation, num_unpadded))


class RocketNetwork(nn.Layer):
    """Logits (B, n) of series, or their features (B, 2·K) where there is no head; nothing in it is trained.

    Equal to `rocket_features` but for rounding: maxima to 1e-4 of the largest response. A positive share is a count of
    responses above 0, and differs by at most the share of those that lie within rounding of 0.

    Args:
        head: weights (2·K, n) and intercept (n,).
    """

    def __init__(self, kernels: RocketKernels, head: tuple[np.ndarray, np.ndarray] | None = None) -> None:
        super().__init__()
        self.is_standardised = bool(kernels.is_standardised)
        self.groups = nn.LayerList(
            [
                RocketGroup(kernels.weights[place, :, :length], kernels.biases[place], (dilation, num_unpadded))
                for place, length, dilation, num_unpadded in kernels.groups()
            ]
        )
        self.has_head = head is not None
        if head is not None:
            self.register_buffer("head_weights", paddle.to_tensor(head[0].astype(np.float32)))
            self.register_buffer("head_intercept", paddle.to_tensor(head[1].astype(np.float32)))

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
        return joined([group(channels, mask) for group in self.groups])


class RocketGroup(nn.Layer):
    """Kernels of one length and dilation, as `group_features` takes them."""

    def __init__(self, weights: np.ndarray, biases: np.ndarray, layout: tuple[int, int]) -> None:
        super().__init__()
        self.layout = layout
        self.register_buffer("weights", paddle.to_tensor(np.ascontiguousarray(weights)))
        self.register_buffer("biases", paddle.to_tensor(biases))

    def forward(self, channels: paddle.Tensor, mask: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Maxima and positive shares (B, K) of series (B, C, L), mask (B, 1, L)."""
        return group_features(channels, mask, self.weights, self.biases, self.layout)


def group_features(
    channels: paddle.Tensor,
    mask: paddle.Tensor,
    weights: paddle.Tensor,
    biases: paddle.Tensor,
    layout: tuple[int, int],
) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Maxima and positive shares (B, K) of kernels of one length and dilation.

    Args:
        channels: series (B, C, L), 0 where the mask is.
        mask: (B, 1, L).
        weights, biases: (K, C, length) and (K,).
        layout: the dilation, and how many kernels, the first ones, see only rows that they reach without padding.
    """
    dilation, num_unpadded = layout
    num_kernels, reach = weights.shape[0], (weights.shape[-1] - 1) // 2 * dilation
    responses = F.conv1d(channels, weights, biases, padding=reach, dilation=dilation)
    parts = []
    if num_unpadded:
        parts.append(_pooled(responses[:, :num_unpadded], _inside(mask, reach)))
    if num_unpadded < num_kernels:
        parts.append(_pooled(responses[:, num_unpadded:], mask))
    maxima, shares = ([part[which] for part in parts] for which in (0, 1))
    return paddle.concat(maxima, axis=1), paddle.concat(shares, axis=1)


def joined(pooled: Iterable[tuple[paddle.Tensor, paddle.Tensor]]) -> paddle.Tensor:
    """Features (B, 2·K) of groups: all maxima, then all positive shares."""
    pairs = list(pooled)
    return paddle.concat([maxima for maxima, _ in pairs] + [shares for _, shares in pairs], axis=1)


def _inside(mask: paddle.Tensor, reach: int) -> paddle.Tensor:
    """Mask of the rows that a kernel reaches without padding, or of all where the series is too short for it."""
    places = paddle.cumsum(mask, axis=-1)
    num_rows = mask.sum(axis=-1, keepdim=True)
    is_inside = (places > reach) & (places <= num_rows - reach)
    return mask * (is_inside | (num_rows <= 2 * reach)).astype(mask.dtype)


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
