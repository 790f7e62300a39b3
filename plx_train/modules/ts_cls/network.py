"""Networks of classification by name, ROCKET with its ridge head among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn

from plx_train.modules.ts_cls.config import ROCKET, TsClsConfig
from plx_train.modules.ts_cls.processor import TsClsProcessor
from plx_train.modules.ts_cls.ridge import RidgeHead
from plx_train.nn.series.registry import build_classifier
from plx_train.nn.series.rocket import RocketKernels, draw_kernels, from_arrays
from plx_train.nn.series.rocket_network import RocketNetwork
from plx_train.nn.series.standardise import Standardised

MAX_SEED = 1 << 31


def build_network(options: TsClsConfig, processor: TsClsProcessor, deviations: Sequence[float] | None) -> nn.Layer:
    """The network that `options` ask for: rows (B, L, C) and their mask (B, L) to logits (B, n).

    Args:
        deviations: of the channels' differences from row to row, for ROCKET; None: not known.

    Raises:
        ConfigError: there is no such network, or it has no such size.
        DataError: the series are too short for ROCKET.
    """
    channels, classes = len(processor.columns), len(processor.labels)
    if options.network == ROCKET:
        # The run has seeded numpy; what is drawn here stays with the network's arrays.
        seed = int(np.random.randint(MAX_SEED))
        differences = (deviations or [1.0] * channels) if options.differences else None
        sizes = (options.num_kernels, channels, processor.median_rows)
        return RocketClassifier(draw_kernels(*sizes, seed, processor.is_standardised, differences), classes)
    shape = (processor.length, channels)
    network = build_classifier(options.network, shape, classes, processor.periods, options.sizes)
    return Standardised(network) if processor.is_standardised else network


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
        """The kernels of now."""
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
