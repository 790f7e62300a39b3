"""What a classifier of images sees on the way to its answer: the means of maps at several depths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn

NUM_DEPTHS = 3
"""Maps before the last, out of the later half of the network: earlier ones tell colours and edges."""


def deep_convolutions(network: nn.Layer) -> list[nn.Conv2D]:
    """One convolution across channels of each third of the later half of a network: that which is given the most."""
    convolutions = (one for one in network.sublayers() if isinstance(one, nn.Conv2D))
    # Those of squeeze-and-excitation, which see means alone, have a bias; all others are followed by a norm.
    crossing = [one for one in convolutions if one._groups == 1 and one.bias is None]
    later = crossing[len(crossing) // 2 :]
    parts = [part.tolist() for part in np.array_split(np.arange(len(later)), NUM_DEPTHS) if len(part)]
    return [later[max(part, key=lambda place: (_width(later[place]), -place))] for part in parts]


def _width(layer: nn.Conv2D) -> int:
    return int(layer.weight.shape[1])


def seen_at(network: nn.Layer, layers: Sequence[nn.Layer], x: np.ndarray) -> list[np.ndarray]:
    """The means over places of what each of `layers` is given where the network sees images, float32 (N, channels).

    Args:
        x: float32 (N, 3, H, W).
    """
    caught: dict[int, paddle.Tensor] = {}

    def catching(place: int) -> object:
        return layers[place].register_forward_pre_hook(lambda layer, inputs: caught.__setitem__(place, inputs[0]))

    hooks = [catching(place) for place in range(len(layers))]
    try:
        with paddle.no_grad():
            network(paddle.to_tensor(x))
    finally:
        for hook in hooks:
            hook.remove()  # type: ignore[attr-defined]
    return [_means(caught[place]) for place in range(len(layers))]


def _means(values: paddle.Tensor) -> np.ndarray:
    flat = values.mean(axis=(2, 3)) if values.ndim == 4 else values.flatten(1)
    return np.asarray(flat.astype("float32").numpy())
