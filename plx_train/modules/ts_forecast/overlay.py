"""A window's context with the forecast behind it, beside the truth where it is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from plx_train.series.draw.plot import draw_forecast, shown_times
from plx_train.series.frame import Series

SHOWN = 3
"""Targets in one picture, one below the other."""
SEEN_PER_FORECAST = 6
"""Rows before the forecast that are shown, for each of its own."""


def draw_overlay(series: Series, prediction: Any, truth: np.ndarray | None = None) -> np.ndarray:
    """Charts of the first targets, uint8 (h, w, 3) BGR.

    Args:
        series: rows up to the forecast.
        prediction: a `TsForecastPrediction`.
        truth: (H, C) in the targets' units.
    """
    num_seen = int(np.searchsorted(series.times, prediction.times[0]))
    first = max(num_seen - SEEN_PER_FORECAST * len(prediction.times), 0)
    charts = []
    for column, name in enumerate(prediction.targets[:SHOWN]):
        band = None
        if prediction.quantiles is not None and len(prediction.levels) > 1:
            band = (prediction.quantiles[:, column, 0], prediction.quantiles[:, column, -1])
        charts.append(
            draw_forecast(
                series.values[first:num_seen, column],
                None if truth is None else truth[:, column],
                prediction.values[:, column],
                shown_times(np.concatenate([series.times[first:num_seen], prediction.times]), series.is_datetime),
                name,
                band,
            )
        )
    return np.concatenate(charts, axis=0)
