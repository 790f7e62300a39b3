"""A series with the classes that it was given under it; beside the truth, green where right and red where not."""

from __future__ import annotations

from typing import Any

import numpy as np

from plx_train.series.draw.canvas import GREEN, GREY, RED, Canvas
from plx_train.series.draw.plot import draw_series, shown_times
from plx_train.series.frame import Series

SHOWN = 3
LINE, MARGIN, LEFT = 26, 10, 64
"""Pixels."""
FONT_SIZE = 16


def draw_overlay(series: Series, prediction: Any, labels: int | None = None) -> np.ndarray:
    """The series' channels and its likeliest classes with their scores, uint8 (h, w, 3) BGR.

    Args:
        prediction: a `TsClsPrediction`.
        labels: number of the true class.
    """
    lines = []
    answers = zip(prediction.classes.tolist(), prediction.scores.tolist(), prediction.names, strict=True)
    for place, (number, score, name) in enumerate(answers):
        is_right = number == labels
        if place < SHOWN or is_right:
            colour = GREEN if is_right else RED if place == 0 and labels is not None else GREY
            lines.append((f"{score:.3f}  class {name}", colour))
    if prediction.rows_left_out:
        lines.append((f"the last {prediction.rows_left_out} of {len(series)} rows were not looked at", GREY))
    times = shown_times(series.times, series.is_datetime)
    chart = draw_series(series.values, series.name, series.columns, times)
    below = Canvas(chart.shape[1], LINE * len(lines) + MARGIN)
    for row, (text, colour) in enumerate(lines):
        below.words(LEFT, LINE * (row + 0.5), text, colour, FONT_SIZE)
    return np.concatenate([chart, below.image()], axis=0)
