"""Pictures of series: a forecast beside the truth, anomaly scores under their series, several channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.series.draw.axis import Ticks, row_ticks
from plx_train.series.draw.canvas import (
    BLACK,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    TITLE_SIZE,
    Canvas,
    Colour,
    Panel,
    legend_width,
)
from plx_train.series.frame import Series

WIDTH, HEIGHT = 960, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 72, 36
"""Pixels around the panels; title and legend stand above."""
PANEL_HEIGHT, PANEL_GAP = 150, 30
MAX_CHANNELS = 8
CHANNEL_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED, (30, 140, 160), (150, 110, 60), (100, 110, 130))
BAND, TRUE_SPAN, FOUND_SPAN, FUTURE = (255, 226, 196), (255, 214, 214), ORANGE, (246, 247, 250)
MARGIN_SHARE = 0.06
"""Share of the values' range that is left free above and below."""
TITLE_LENGTH = 100

Times = Sequence[str] | np.ndarray | None
"""One per row: texts, integers, datetime64; None: rows are counted."""


def shown_times(times: np.ndarray, is_datetime: bool) -> np.ndarray:
    """Times int64 (T,) as axes take them."""
    return times.astype("datetime64[ns]") if is_datetime else times


def draw_forecast(
    context: np.ndarray,
    truth: np.ndarray | None,
    prediction: np.ndarray,
    times: Times = None,
    title: str = "",
    band: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """A forecast behind its context, uint8 (H, W, 3) BGR.

    Args:
        context: (L,), what the model saw; NaN leaves a gap, here and elsewhere.
        truth: (H,), what came; None where it is not known.
        prediction: (H,).
        times: of the L + H rows.
        band: lower and upper bound of the prediction, (H,) each.
    """
    context, prediction = np.asarray(context, np.float64), np.asarray(prediction, np.float64)
    seen, rows = len(context), len(context) + len(prediction)
    curves = [context, prediction, *([] if truth is None else [truth]), *(band or ())]
    canvas = Canvas(WIDTH, HEIGHT)
    panel = _panel(TOP, HEIGHT - BOTTOM, rows, curves)
    border = float(panel.x(np.asarray(seen - 0.5)))
    canvas.box(border, panel.top, panel.right, panel.bottom, FUTURE)
    canvas.frame(panel, row_ticks(times, rows))
    future = np.arange(seen, rows)
    legend: list[tuple[str, Colour, str]] = [("context", BLUE, "line"), ("prediction", ORANGE, "line")]
    if band is not None:
        canvas.area(panel, future, np.asarray(band[0]), np.asarray(band[1]), BAND)
        legend.append(("range", BAND, "box"))
    canvas.dashes((border, panel.top), (border, panel.bottom), (150, 156, 168), 1)
    canvas.curve(panel, np.arange(seen), context, BLUE)
    if truth is not None:
        # Joined to the context: it is one series.
        canvas.curve(panel, np.arange(seen - 1, rows)[-len(truth) - 1 :], np.append(context[-1:], truth), BLACK)
        legend.insert(1, ("truth", BLACK, "line"))
    canvas.curve(panel, future, prediction, ORANGE, 2.4)
    _head(canvas, title, legend)
    return canvas.image()


def draw_scores(
    series: Series,
    scores: np.ndarray,
    threshold: float,
    labels: np.ndarray | None = None,
    predicted: np.ndarray | None = None,
) -> np.ndarray:
    """A series above its anomaly scores, uint8 (H, W, 3) BGR.

    Args:
        series: T rows; of many columns the first eight are drawn.
        scores: (T,).
        threshold: above which rows are called anomalies.
        labels: (T,) of 0 and 1: true anomalies, light red behind the lines.
        predicted: (T,) of 0 and 1: those that were found, an orange bar between the two; None: from the threshold.
    """
    values = np.asarray(series.values, np.float64)[:, :MAX_CHANNELS]
    scores = np.asarray(scores, np.float64)
    found = scores >= threshold if predicted is None else np.asarray(predicted) > 0
    height = TOP + 2 * PANEL_HEIGHT + 60 + BOTTOM
    canvas = Canvas(WIDTH, height)
    middle = TOP + PANEL_HEIGHT + 40
    ticks = row_ticks(shown_times(series.times, series.is_datetime), len(values))
    upper = _panel(TOP, middle - 28, len(values), list(values.T))
    lower = _panel(middle + 16, height - BOTTOM, len(values), [scores, np.asarray([threshold, 0.0])])
    if labels is not None:
        for left, right in _bars(upper, np.asarray(labels) > 0):
            canvas.box(left, upper.top, right, upper.bottom, TRUE_SPAN)
            canvas.box(left, lower.top, right, lower.bottom, TRUE_SPAN)
    canvas.frame(upper, [(row, "") for row, _ in ticks])
    canvas.frame(lower, ticks, "score", 4)
    for channel, colour in zip(values.T, CHANNEL_COLOURS, strict=False):
        canvas.curve(upper, np.arange(len(values)), channel, colour, 1.5)
    for left, right in _bars(upper, found):
        canvas.box(left, upper.bottom + 7, right, upper.bottom + 14, FOUND_SPAN)
    canvas.curve(lower, np.arange(len(scores)), scores, BLACK, 1.3)
    line = float(lower.y(np.asarray(threshold)))
    canvas.dashes((lower.left, line), (lower.right, line), RED)
    legend: list[tuple[str, Colour, str]] = [("found", FOUND_SPAN, "box"), (f"threshold {threshold:.4g}", RED, "dash")]
    if labels is not None:
        legend.insert(0, ("anomaly", TRUE_SPAN, "box"))
    shown = zip(series.columns[:MAX_CHANNELS], CHANNEL_COLOURS, strict=False)
    names = [(name, colour, "line") for name, colour in shown]
    # Half the names would say less than none.
    fits = legend_width([*names, *legend]) <= WIDTH - LEFT - RIGHT
    _head(canvas, series.name, [*names, *legend] if fits else legend)
    return canvas.image()


def draw_series(values: np.ndarray, caption: str = "", columns: Sequence[str] = (), times: Times = None) -> np.ndarray:
    """Channels (T, C) one below the other, the first eight, uint8 (H, W, 3) BGR; (T,) is one channel."""
    values = np.asarray(values, np.float64).reshape(len(values), -1)
    shown = min(values.shape[1], MAX_CHANNELS)
    each = PANEL_HEIGHT * (2 if shown == 1 else 1) if shown < 5 else PANEL_HEIGHT * 2 // 3
    top = TOP - 20 if shown == 1 and not columns else TOP
    height = top + shown * (each + PANEL_GAP) - PANEL_GAP + BOTTOM
    canvas = Canvas(WIDTH, height)
    ticks = row_ticks(times, len(values))
    for place in range(shown):
        start = top + place * (each + PANEL_GAP)
        panel = _panel(start, start + each, len(values), [values[:, place]])
        here: Ticks = ticks if place == shown - 1 else [(row, "") for row, _ in ticks]
        canvas.frame(panel, here, columns[place] if place < len(columns) else "", 5 if shown < 3 else 4)
        canvas.curve(panel, np.arange(len(values)), values[:, place], CHANNEL_COLOURS[place])
    hidden = values.shape[1] - shown
    _head(canvas, f"{caption}  (and {hidden} more channels)" if hidden else caption, [])
    return canvas.image()


def _panel(top: float, bottom: float, num_rows: int, curves: Sequence[np.ndarray]) -> Panel:
    """A panel in which all finite values of the curves have room."""
    values = np.concatenate([np.asarray(curve, np.float64).ravel() for curve in curves])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - (abs(low) * 0.1 or 1.0), high + (abs(high) * 0.1 or 1.0)
    margin = MARGIN_SHARE * (high - low)
    return Panel(LEFT, top, WIDTH - RIGHT, bottom, 0, max(num_rows - 1, 1), low - margin, high + margin)


def _head(canvas: Canvas, title: str, legend: Sequence[tuple[str, Colour, str]]) -> None:
    shown = title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1] + "…"
    canvas.words(LEFT, 24, shown, INK, TITLE_SIZE)
    if legend:
        canvas.legend(WIDTH - RIGHT, 52, legend)


def _bars(panel: Panel, marks: np.ndarray) -> list[tuple[float, float]]:
    """Left and right pixel of each run of marked rows (T,), two wide at least; those that touch are one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marks.astype(np.int8), [0]])))
    if not len(edges):
        return []
    left, right = panel.x(edges.reshape(-1, 2).T - 0.5).clip(panel.left, panel.right)
    right = np.maximum(right, left + 2)
    apart = np.flatnonzero(left[1:] > right[:-1])
    starts, ends = left[np.append(0, apart + 1)], right[np.append(apart, len(right) - 1)]
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
