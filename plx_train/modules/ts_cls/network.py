"""Networks of classification by name; ROCKET and its ridge head among them, as a graph like any other."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.modules.ts_cls.config import ROCKET, TsClsConfig
from plx_train.modules.ts_cls.ridge import RidgeHead
from plx_train.modules.ts_cls.rocket import MIN_DEVIATION, MIN_SHARE, RocketKernels, draw_kernels, from_arrays
from plx_train.nn.series.registry import build_classifier

HIGHEST = 1e30
"""Taken from responses that do not count; a maximum never sees them, for every series has one that does."""
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
        deviations = (found.difference_std or [1.0] * len(found.columns)) if config.differences else None
        sizes = (config.num_kernels, len(found.columns), found.median_rows)
        return RocketClassifier(draw_kernels(*sizes, seed, found.is_standardised, deviations), len(found.classes))
    network = build_classifier(
        config.network,
        (found.length, len(found.columns)),
        len(found.classes),
        periods=tuple(found.periods),
        hidden=config.hidden,
        depth=config.depth,
        dropout=config.dropout,
    )
    return Standardised(network) if found.is_standardised else network


class Standardised(nn.Layer):
    """A network that sees each channel of each series with mean 0 and deviation 1."""

    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: paddle.Tensor, pad_mask: paddle.Tensor) -> paddle.Tensor:
        """Logits (B, n) of series float32 (B, L, C); the mask (B, L) is 1 for rows of the series."""
        mask = pad_mask.unsqueeze(1)
        channels = standardised(features.transpose([0, 2, 1]) * mask, mask)
        return self.network(channels.transpose([0, 2, 1]), pad_mask)


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
        # In a list it is no part of the state.
        self._built: list[tuple[str, RocketKernels, RocketNetwork]] = []

    def kernels(self) -> RocketKernels:
        """Those of now."""
        return from_arrays({name: getattr(self, f"kernel_{name}").numpy() for name in self.names})

    def take(self, head: RidgeHead) -> None:
        """Takes over a head that was fitted to `kernels`' features."""
        weights, intercept = head.folded()
        self.head.weight.set_value(weights.astype(np.float32))
        self.head.bias.set_value(intercept.astype(np.float32))

    def graph(self) -> RocketNetwork:
        """The same with its kernels fixed, for export."""
        return RocketNetwork(self.kernels(), (self.head.weight.numpy(), self.head.bias.numpy()))

    def forward(self, features: paddle.Tensor, pad_mask: paddle.Tensor) -> paddle.Tensor:
        """Logits (B, n) of series float32 (B, L, C); the mask (B, L) is 1 for rows of the series."""
        return self.head(self._network().features(features, pad_mask))

    def _network(self) -> RocketNetwork:
        """The kernels as a network, built again when other ones were loaded or the device is another."""
        place, kernels = str(self.kernel_biases.place), self.kernels()
        if not self._built or self._built[0][0] != place or not self._built[0][1].equals(kernels):
            self._built = [(place, kernels, RocketNetwork(kernels))]
        return self._built[0][2]


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


def standardised(channels: paddle.Tensor, mask: paddle.Tensor) -> paddle.Tensor:
    """Series (B, C, L) with mean 0 and deviation 1 over the rows of the mask (B, 1, L), 0 elsewhere."""
    num_rows = mask.sum(axis=-1, keepdim=True)
    mean = channels.sum(axis=-1, keepdim=True) / num_rows
    centred = (channels - mean) * mask
    # Not paddle.square: in an exported graph oneDNN writes its result over `centred`, which is needed below.
    deviation = paddle.sqrt((centred * centred).sum(axis=-1, keepdim=True) / num_rows)
    return centred / paddle.maximum(deviation, MIN_SHARE * paddle.abs(mean) + MIN_DEVIATION)
