"""Convolutions of several lengths side by side: InceptionTime (Ismail Fawaz et al., 2020), one of its five networks."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.series.sizes import Sizes

KERNELS = (39, 19, 9)
"""Rows; odd ones next below those published, so that a row stands in the middle."""
POOLED = 3
RESIDUAL_EVERY = 3
LOWEST = 1e4
"""Taken from rows that fill a series up, a maximum never sees them."""


class InceptionModule(nn.Layer):
    """Narrowed rows convolved at three lengths, beside the largest of each row's neighbours."""

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__()
        self.bottleneck = nn.Conv1D(inputs, filters, 1, bias_attr=False) if inputs > 1 else None
        narrowed = filters if inputs > 1 else 1
        self.convolutions = nn.LayerList(
            [nn.Conv1D(narrowed, filters, size, padding=size // 2, bias_attr=False) for size in KERNELS]
        )
        self.pooled = nn.Conv1D(inputs, filters, 1, bias_attr=False)
        self.norm = nn.BatchNorm1D(filters * (len(KERNELS) + 1))

    def forward(self, x: paddle.Tensor, mask: paddle.Tensor) -> paddle.Tensor:
        """(B, 4·filters, L) of x (B, inputs, L), 0 where the mask (B, 1, L) is."""
        narrowed = x if self.bottleneck is None else self.bottleneck(x)
        largest = F.max_pool1d(x - (1 - mask) * LOWEST, POOLED, 1, POOLED // 2) * mask
        parts = [convolution(narrowed) for convolution in self.convolutions] + [self.pooled(largest)]
        return F.relu(self.norm(paddle.concat(parts, axis=1))) * mask


class InceptionTime(nn.Layer):
    """Scores of classes; rows that fill a series up change nothing."""

    def __init__(self, channels: int, num_classes: int, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.hidden * (len(KERNELS) + 1)
        inputs = [channels] + [width] * (sizes.depth - 1)
        self.stages = nn.LayerList([InceptionModule(count, sizes.hidden) for count in inputs])
        self.shortcuts = nn.LayerList(
            [_Shortcut(channels if place == 0 else width, width) for place in range(sizes.depth // RESIDUAL_EVERY)]
        )
        self.dropout = nn.Dropout(sizes.dropout)
        self.head = nn.Linear(width, num_classes)

    def forward(self, features: paddle.Tensor, pad_mask: paddle.Tensor) -> paddle.Tensor:
        """Scores (B, K) of rows (B, L, C); the mask (B, L) is 1 for rows of the series, 0 for those that fill it up."""
        mask = pad_mask.unsqueeze(1)
        x = features.transpose([0, 2, 1]) * mask
        kept = x
        for place, stage in enumerate(self.stages):
            x = stage(x, mask)
            if place % RESIDUAL_EVERY == RESIDUAL_EVERY - 1:
                x = F.relu(x + self.shortcuts[place // RESIDUAL_EVERY](kept)) * mask
                kept = x
        return self.head(self.dropout(x.sum(axis=-1) / mask.sum(axis=-1)))


class _Shortcut(nn.Layer):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv1D(inputs, outputs, 1, bias_attr=False), nn.BatchNorm1D(outputs)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.norm(self.convolution(x))
