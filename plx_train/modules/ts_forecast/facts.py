"""What training series say of a forecast: scaling, seasons, and the error of repeating the last season."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.ground.errors import ConfigError
from plx_train.modules.ts_forecast.config import TsForecastConfig
from plx_train.modules.ts_forecast.metric import seasonal_scale
from plx_train.modules.ts_forecast.processor import TsForecastProcessor
from plx_train.nn.series.sizes import check_takes_covariates
from plx_train.series.frame import Series
from plx_train.series.fusion import networks_of
from plx_train.series.read.splits import ReadSplit
from plx_train.series.scale import Scaler
from plx_train.series.statistics import seasonal_period, strongest_periods

NUM_PERIODS = 3


def fit_facts(train: ReadSplit, options: TsForecastConfig) -> TsForecastProcessor | None:
    """The processor that options and training series give; None where there is no series to look at.

    Raises:
        ConfigError: the network can't have the covariates that are named, or the rows have no dates for a calendar.
    """
    usable = [series for series in train.series if len(series) > 1]
    if not usable:
        return None
    roles = train.roles
    _check_covariates(train, usable, options)
    targets = tuple(roles.targets or ())
    # Rows held out of training count as training's: figures on the scaled axis are the same whatever is held out.
    scaler = Scaler.fit([series.values for series in usable])
    static = np.asarray([[value for _, value in series.static] for series in usable]).reshape(len(usable), -1)
    static_scaler = Scaler.fit([static]) if static.size else Scaler((), ())
    own = Scaler(scaler.mean[: len(targets)], scaler.std[: len(targets)])
    scaled = [own.transform(series.values[:, : len(targets)]) for series in usable]
    longest = scaled[int(np.argmax([len(values) for values in scaled]))]
    period = options.period or seasonal_period(longest, train.frequency, options.context) or 1
    return TsForecastProcessor(
        context=options.context,
        horizon=options.horizon,
        targets=targets,
        past_covariates=tuple(roles.past),
        future_covariates=tuple(roles.future),
        static_covariates=tuple(roles.static),
        calendar=options.calendar,
        quantiles=tuple(options.quantiles),
        period=period,
        seasonal_errors=_seasonal_errors(scaled, period),
        mean=(*scaler.mean, *static_scaler.mean),
        std=(*scaler.std, *static_scaler.std),
        frequency=train.frequency_text,
        time=roles.time,
        missing=train.missing,
        time_format=train.time_format,
        group=roles.group,
        periods=tuple(strongest_periods(longest, options.context + options.horizon, NUM_PERIODS)),
    )


def _check_covariates(train: ReadSplit, usable: Sequence[Series], options: TsForecastConfig) -> None:
    roles = train.roles
    if options.calendar or roles.past or roles.future or roles.static:
        check_takes_covariates(networks_of(options))
    if options.calendar and not usable[0].is_datetime:
        raise ConfigError(
            f"module.calendar needs dates, but {roles.time or 'the table'} only counts rows: leave it out"
        )


def _seasonal_errors(scaled: list[np.ndarray], period: int) -> tuple[float, ...]:
    """Mean errors of the seasonal naive, per target: 0 where no series is longer than a season."""
    long = [values for values in scaled if len(values) > period]
    if not long:
        return (0.0,) * scaled[0].shape[1]
    weights = [len(values) - period for values in long]
    errors = np.average([seasonal_scale(values, period) for values in long], axis=0, weights=weights)
    return tuple(float(error) for error in errors)
