"""Series brought to mean 0 and deviation 1, each by itself, in a graph."""

from __future__ import annotations

import paddle
from paddle import nn

from plx_train.nn.series.rocket import MIN_DEVIATION, MIN_SHARE


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


def standardised(channels: paddle.Tensor, mask: paddle.Tensor) -> paddle.Tensor:
    """Series (B, C, L) with mean 0 and deviation 1 over the rows of the mask (B, 1, L), 0 elsewhere."""
    num_rows = mask.sum(axis=-1, keepdim=True)
    mean = channels.sum(axis=-1, keepdim=True) / num_rows
    centred = (channels - mean) * mask
    # Not paddle.square: in an exported graph oneDNN writes its result over `centred`, which is needed below.
    deviation = paddle.sqrt((centred * centred).sum(axis=-1, keepdim=True) / num_rows)
    return centred / paddle.maximum(deviation, MIN_SHARE * paddle.abs(mean) + MIN_DEVIATION)
