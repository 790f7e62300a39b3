"""Dense encoder and decoder of targets and covariates: TiDE (Das et al., 2023)."""

from __future__ import annotations

import paddle
from paddle import nn

from plx_train.nn.series.layout import ReversibleNorm, as_forecast, channels_first
from plx_train.nn.series.shape import SeriesShape
from plx_train.nn.series.sizes import Sizes

COVARIATE_WIDTH = 4
"""Numbers that a row's covariates are projected to."""
DECODED_WIDTH = 8
"""Numbers per row that the decoder hands to the row's own part."""


class ResidualBlock(nn.Layer):
    """A hidden layer beside a linear one, their sum normalised."""

    def __init__(self, inputs: int, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)
        self.skip = nn.Linear(inputs, outputs)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(outputs)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(…, outputs) of (…, inputs)."""
        changed = self.dropout(self.second(nn.functional.relu(self.first(x))))
        return self.norm(changed + self.skip(x))


class TiDE(nn.Layer):
    """Forecasts each channel from its rows, the covariates of every row, and the static ones."""

    def __init__(self, shape: SeriesShape, sizes: Sizes) -> None:
        super().__init__()
        self.shape = shape
        hidden, dropout = sizes.hidden, sizes.dropout
        self.norm = ReversibleNorm(shape.targets)
        self.past, past_width = _projection(shape.past_covariates, shape.context, hidden, dropout)
        self.future, future_width = _projection(shape.future_covariates, shape.context + shape.horizon, hidden, dropout)
        inputs = shape.context + past_width + future_width + shape.static
        widths = [inputs] + [hidden] * sizes.depth
        self.encoder = nn.Sequential(
            *[ResidualBlock(width, hidden, hidden, dropout) for width in widths[: sizes.depth]]
        )
        decoded = [hidden] * (sizes.depth - 1) + [DECODED_WIDTH * shape.horizon]
        self.decoder = nn.Sequential(*[ResidualBlock(hidden, hidden, width, dropout) for width in decoded])
        ahead = COVARIATE_WIDTH if shape.future_covariates else 0
        self.row = ResidualBlock(DECODED_WIDTH + ahead, hidden, shape.quantiles, dropout)
        # A norm over one number gives nothing but its shift.
        self.row.norm = nn.Identity()
        self.skip = nn.Linear(shape.context, shape.horizon * shape.quantiles)

    def forward(
        self,
        targets: paddle.Tensor,
        past: paddle.Tensor | None = None,
        future: paddle.Tensor | None = None,
        static: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """Forecasts (B, H, C[, Q]) of targets (B, L, C) and covariates (B, L, …), (B, L + H, …), (B, …)."""
        shape = self.shape
        x, mean, deviation = self.norm(channels_first(targets))
        parts, ahead = [x], None
        if self.past is not None:
            parts.append(self._for_channels(self.past(past).flatten(1)))
        if self.future is not None:
            rows = self.future(future)
            parts.append(self._for_channels(rows.flatten(1)))
            ahead = rows[:, shape.context :]
        if static is not None:
            parts.append(self._for_channels(static))
        decoded = self.decoder(self.encoder(paddle.concat(parts, axis=-1) if len(parts) > 1 else x))
        decoded = decoded.reshape([-1, shape.targets, shape.horizon, DECODED_WIDTH])
        if ahead is not None:
            ahead = ahead.unsqueeze(1).expand([-1, shape.targets, -1, -1])
            decoded = paddle.concat([decoded, ahead], axis=-1)
        found = self.row(decoded).flatten(2) + self.skip(x)
        return as_forecast(self.norm.restore(found, mean, deviation), shape.horizon, shape.quantiles)

    def _for_channels(self, x: paddle.Tensor) -> paddle.Tensor:
        """(B, F) as (B, C, F)."""
        return x.unsqueeze(1).expand([-1, self.shape.targets, -1])


def _projection(channels: int, rows: int, hidden: int, dropout: float) -> tuple[nn.Layer | None, int]:
    """What projects the covariates of a row, and the numbers it gives for all rows."""
    if channels == 0:
        return None, 0
    return ResidualBlock(channels, hidden, COVARIATE_WIDTH, dropout), rows * COVARIATE_WIDTH
