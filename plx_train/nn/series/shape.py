"""What a forecasting network is given and asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SeriesShape:
    """Rows and channels of a forecasting network.

    Attributes:
        context: rows seen, L.
        horizon: rows forecast, H.
        targets: channels forecast, C.
        past_covariates: channels known for the context.
        future_covariates: channels known for context and horizon.
        static: numbers that don't change in time.
        quantiles: numbers forecast per row and channel, Q.
    """

    context: int
    horizon: int
    targets: int
    past_covariates: int = 0
    future_covariates: int = 0
    static: int = 0
    quantiles: int = 1

    @property
    def has_covariates(self) -> bool:
        """Whether there is anything but targets."""
        return self.past_covariates + self.future_covariates + self.static > 0
