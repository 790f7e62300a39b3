"""Several forecasting networks as one."""

from __future__ import annotations

import paddle
from paddle import nn


class Fusion(nn.Layer):
    """Several networks' forecasts as one: their weighted mean, or their median.

    Args:
        is_median: the median; weights are not used.
    """

    def __init__(self, members: list[nn.Layer], is_median: bool) -> None:
        super().__init__()
        self.members = nn.LayerList(members)
        self.is_median = is_median
        self.register_buffer("weights", paddle.full([len(members)], 1.0 / len(members)))

    def forward(
        self,
        targets: paddle.Tensor,
        past: paddle.Tensor | None = None,
        future: paddle.Tensor | None = None,
        static: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """Output of the members together, shaped as each one's."""
        found = [member(targets, past, future, static) for member in self.members]
        if self.is_median:
            ordered = paddle.sort(paddle.stack(found, axis=-1), axis=-1)
            half = len(found) // 2
            middle = ordered[..., half]
            return middle if len(found) % 2 else (middle + ordered[..., half - 1]) / 2
        return sum(self.weights[place] * forecast for place, forecast in enumerate(found))
