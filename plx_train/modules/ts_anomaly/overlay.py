"""A series above its anomaly scores, with the threshold, what was found and what is true."""

from __future__ import annotations

from typing import Any

import numpy as np

from plx_train.series.draw.plot import draw_scores
from plx_train.series.frame import Series


def draw_overlay(series: Series, prediction: Any, labels: np.ndarray | None = None) -> np.ndarray:
    """Two charts, uint8 (h, w, 3) BGR.

    Args:
        series: that was scored.
        prediction: a `TsAnomalyPrediction`.
        labels: (T,) of 0 and 1, where the true anomalies are known.
    """
    return draw_scores(series, prediction.scores, prediction.threshold, labels, prediction.labels)
