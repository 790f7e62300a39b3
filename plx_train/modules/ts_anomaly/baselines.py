"""What a network has to beat: the distance from a rolling median, and from the nearest training window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.modules.ts_anomaly.metric import pooled_figures
from plx_train.modules.ts_anomaly.scores import SeriesScores, window_starts

MEDIAN_ROWS = (5, 11, 25, 51, 101)
"""Widths of the rolling median; the best on validation is taken, which flatters the baseline and not the model."""
MOST_TRAINED = 2000
"""Training windows that are compared with, spread evenly."""
MOST_SCORED = 20_000
"""Windows of validation; with more of them the nearest one is not looked for."""
BLOCK = 512
SHOWN = ("auroc", "auprc", "f1", "event_f1")


def baseline_figures(
    train: Sequence[np.ndarray], val: Sequence[tuple[np.ndarray, np.ndarray]], context: int, percent: float
) -> dict[str, float]:
    """``rolling_median_auroc``, ``nearest_window_event_f1`` …, rows above a percentile of training called anomalous.

    Args:
        train: normal rows (T, C), scaled.
        val: rows (T, C), scaled, and marks (T,).
        context: rows of the nearest window.
        percent: of training rows that stay below the threshold; for the nearest window, whose distance is 0 there,
            of validation's.
    """
    marks = [each for _, each in val]
    medians = [_of_median(train, val, marks, rows, percent) for rows in MEDIAN_ROWS]
    best = max(medians, key=lambda found: found["auroc"])
    figures = {f"rolling_median_{name}": best[name] for name in SHOWN}
    scores = nearest_scores(train, [rows for rows, _ in val], context)
    if scores is not None:
        limit = float(np.percentile(np.concatenate(scores), percent))
        nearest = pooled_figures(marks, scores, limit)
        figures |= {f"nearest_window_{name}": nearest[name] for name in SHOWN}
    return figures


def _of_median(
    train: Sequence[np.ndarray],
    val: Sequence[tuple[np.ndarray, np.ndarray]],
    marks: list[np.ndarray],
    rows: int,
    percent: float,
) -> dict[str, float]:
    residuals = [_from_median(values, rows) for values in train]
    deviation = np.concatenate(residuals).std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    trained, scores = (
        [np.abs(each / deviation).max(axis=1) for each in parts]
        for parts in (residuals, [_from_median(values, rows) for values, _ in val])
    )
    return pooled_figures(marks, scores, float(np.percentile(np.concatenate(trained), percent)))


def _from_median(values: np.ndarray, rows: int) -> np.ndarray:
    """Distance of rows (T, C) from the median of those around."""
    import pandas

    table = pandas.DataFrame(values.astype(np.float64))
    return np.asarray(table - table.rolling(rows, center=True, min_periods=1).median())


def nearest_scores(train: Sequence[np.ndarray], val: Sequence[np.ndarray], context: int) -> list[np.ndarray] | None:
    """Scores (T,) of series: mean squared distance of the windows with a row to their nearest training windows.

    None where there would be too many windows to compare.
    """
    known = _windows(train, context)
    num_rows = max(len(rows) for rows in val)
    stride = int(np.clip(num_rows * len(val) // MOST_SCORED, max(context // 16, 1), context))
    if sum(len(rows) for rows in val) // stride > MOST_SCORED or len(known) == 0:
        return None
    norms = np.sum(known * known, axis=1)
    found = []
    for rows in val:
        starts = window_starts(len(rows), context, stride)
        scores = SeriesScores(len(rows))
        flat = np.lib.stride_tricks.sliding_window_view(rows, context, axis=0)
        for first in range(0, len(starts), BLOCK):
            some = starts[first : first + BLOCK]
            asked = flat[some].reshape(len(some), -1)
            squares = np.sum(asked * asked, axis=1)[:, None] + norms - 2 * asked @ known.T
            least = np.maximum(squares.min(axis=1), 0) / asked.shape[1]
            scores.add(some, np.broadcast_to(least[:, None, None], (len(some), context, 1)))
        found.append(scores.mean())
    return found


def _windows(train: Sequence[np.ndarray], context: int) -> np.ndarray:
    """Training windows, flat, spread evenly."""
    usable = [rows for rows in train if len(rows) >= context]
    total = sum(len(rows) - context + 1 for rows in usable)
    step = max(total // MOST_TRAINED, 1)
    parts = [np.lib.stride_tricks.sliding_window_view(rows, context, axis=0)[::step] for rows in usable]
    return np.concatenate([part.reshape(len(part), -1) for part in parts]) if parts else np.zeros((0, 1))
