"""The network that gives windows back, its errors smoothed, and several of them fused by the rank of their scores.

Whatever is done to errors is done in the graph: it gives out its input plus a distance whose square is the score. So
PaddleX, which takes the squared difference of output and input for the score, gets the same one.
"""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.modules.ts_anomaly.config import TsAnomalyConfig
from plx_train.modules.ts_anomaly.processor import TsAnomalyProcessor
from plx_train.modules.ts_anomaly.rank_average import RankScale
from plx_train.nn.series.registry import build_reconstructor
from plx_train.series.fusion import networks_of

NUM_EVEN, NUM_HIGH = 48, 16
"""Stretches of a member's ranks: so many of equal share, and so many closer and closer to the highest."""
NUM_STRETCHES = NUM_EVEN + NUM_HIGH
NARROWEST = 1e-12


class Detector(nn.Layer):
    """Networks behind the one input that the exported graph has.

    Args:
        members: one network, or those of a fusion.
        context: rows of a window.
        smooth: rows over which errors are averaged; an even number counts as the next higher.
        channels: features of a row.
    """

    def __init__(self, members: list[nn.Layer], context: int, smooth: int, channels: int) -> None:
        super().__init__()
        self.members = nn.LayerList(members)
        self.ranks = nn.LayerList([Ranks() for _ in members] if len(members) > 1 else [])
        self.is_smooth, self.channels = smooth > 1, channels
        if self.is_smooth:
            self.register_buffer("average", paddle.to_tensor(smoothing(context, smooth)), persistable=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Windows (N, L, C) plus the root of each row's score; of one network that is not smoothed, its own output."""
        if len(self.members) == 1 and not self.is_smooth:
            return self.members[0](x)
        if len(self.members) == 1:
            return x + paddle.sqrt(self.scores(0, x)).unsqueeze(-1)
        ranks = [scale(self.scores(place, x)) for place, scale in enumerate(self.ranks)]
        return x + (paddle.add_n(ranks) / len(ranks)).unsqueeze(-1)

    def reconstruct(self, x: paddle.Tensor) -> paddle.Tensor:
        """Windows (N, L, C) given back by the one network there is: what is trained."""
        return self.members[0](x)

    def scores(self, place: int, x: paddle.Tensor) -> paddle.Tensor:
        """Scores (N, L) of rows by one member: squared errors, mean over features and the rows around."""
        error = self.members[place](x) - x
        found = (error * error).sum(axis=-1) / self.channels
        return found @ self.average if self.is_smooth else found

    def member_roots(self, place: int, windows: np.ndarray) -> np.ndarray:
        """Roots of the scores by one member, float32 (N, L, 1)."""
        with paddle.no_grad():
            return paddle.sqrt(self.scores(place, paddle.to_tensor(windows))).unsqueeze(-1).numpy()

    def outputs(self, windows: np.ndarray) -> np.ndarray:
        """What `forward` gives for windows (N, L, C), float32."""
        with paddle.no_grad():
            return self(paddle.to_tensor(windows)).numpy()


class Ranks(nn.Layer):
    """Ranks of scores among those of training rows, as a `RankScale` says, in so many straight stretches."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("lows", paddle.zeros([NUM_STRETCHES]))
        self.register_buffer("widths", paddle.ones([NUM_STRETCHES]))
        self.register_buffer("gains", paddle.full([NUM_STRETCHES, 1], 1.0 / NUM_STRETCHES))
        self.register_buffer("top", paddle.ones([1]))
        self.register_buffer("spread", paddle.ones([1]))

    def forward(self, scores: paddle.Tensor) -> paddle.Tensor:
        """Ranks (N, L), 0 to below 2, of scores (N, L)."""
        # Each stretch adds what the score has climbed of it: all terms lie within 0 and 1, none is lost to rounding.
        climbed = paddle.clip((scores.unsqueeze(-1) - self.lows) / self.widths, 0.0, 1.0)
        excess = F.relu(scores - self.top)
        return (climbed @ self.gains).squeeze(-1) + excess / (excess + self.spread)

    def take(self, scale: RankScale) -> None:
        """Takes over a scale, at fewer of its knots."""
        values, ranks = _knots(scale)
        widths, gains = np.diff(values), np.diff(ranks)
        # A stretch of no width is climbed at once.
        widths = np.maximum(widths, NARROWEST)
        found = {"lows": values[:-1], "widths": widths, "gains": gains[:, None]}
        found |= {"top": np.asarray([scale.values[-1]]), "spread": np.asarray([scale.spread])}
        for name, array in found.items():
            getattr(self, name).set_value(array.astype(np.float32))


def _knots(scale: RankScale) -> tuple[np.ndarray, np.ndarray]:
    """Values and ranks of so many stretches' ends, from no error at all on."""
    first, last = float(scale.ranks[0]), float(scale.ranks[-1])
    even = np.linspace(first, last, NUM_EVEN)
    high = last - (last - even[-2]) * np.geomspace(0.5, 1e-3, NUM_HIGH)
    wanted = np.sort(np.concatenate([even, high]))
    return np.concatenate([[0.0], np.interp(wanted, scale.ranks, scale.values)]), np.concatenate([[0.0], wanted])


def smoothing(context: int, rows: int) -> np.ndarray:
    """Matrix float32 (L, L) by which scores (N, L) become means over the `rows` around, fewer at a window's ends."""
    near = np.abs(np.subtract.outer(np.arange(context), np.arange(context))) <= rows // 2
    return (near / near.sum(axis=0)).astype(np.float32)


def build_network(options: TsAnomalyConfig, processor: TsAnomalyProcessor) -> Detector:
    """The network that `options` ask for, fused ones where they name several."""
    context, channels = processor.context, len(processor.features)
    members = [
        build_reconstructor(name, context, channels, processor.periods, options.sizes) for name in networks_of(options)
    ]
    return Detector(members, context, options.smooth, channels)
