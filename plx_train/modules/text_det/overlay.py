"""A page with the boxes that were found drawn on it; beside the truth, what is right, wrong and missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plx_train.modules.text_det.metric import match_page, prepare_truths
from plx_train.vision.draw import FALSE, FOUND, MISSED, UNCOUNTED, draw_outlines


def draw_overlay(image: np.ndarray, prediction: Any, labels: Sequence[Any] | None = None) -> np.ndarray:
    """`image` uint8 (H, W, 3) BGR with boxes on it; the given array stays as it is.

    With `labels` (each with `points` and `ignore`): green found and right, red found but wrong, orange
    missed, grey not counted (ignored regions and what was found in them). Without: all found boxes green.
    """
    canvas = image.copy()
    if labels is None:
        return draw_outlines(canvas, list(prediction.quads), FOUND)
    true = [np.asarray(label.points, np.float32) for label in labels]
    match = match_page(prediction.quads, np.asarray(prediction.scores, np.float32), prepare_truths(labels))
    right = set(match.pairs[:, 1].tolist())
    found = set(match.pairs[:, 0].tolist())
    counted = match.counted_predictions
    canvas = draw_outlines(canvas, [true[i] for i in np.flatnonzero(~match.counted_truths)], UNCOUNTED)
    canvas = draw_outlines(canvas, [prediction.quads[i] for i in np.flatnonzero(~counted)], UNCOUNTED)
    missed = [true[i] for i in np.flatnonzero(match.counted_truths) if i not in found]
    canvas = draw_outlines(canvas, missed, MISSED)
    canvas = draw_outlines(canvas, [prediction.quads[i] for i in sorted(right)], FOUND)
    return draw_outlines(canvas, [prediction.quads[i] for i in np.flatnonzero(counted) if i not in right], FALSE)
