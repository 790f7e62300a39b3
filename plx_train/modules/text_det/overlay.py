"""A page with the boxes that were found drawn on it; beside the truth, what is right, wrong and missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from plx_train.modules.text_det.metric import match_page, prepare_truths

GREEN = (60, 160, 20)
RED = (40, 40, 220)
ORANGE = (0, 140, 255)
GREY = (150, 150, 150)
FILL = 0.18
"""Strength of the tint inside a box: the text under it stays legible."""
SUB_PIXEL_BITS = 4
"""Fractions of a pixel in drawn outlines, which makes them smooth."""


def draw_overlay(image: np.ndarray, prediction: Any, labels: Sequence[Any] | None = None) -> np.ndarray:
    """`image` uint8 (H, W, 3) BGR with boxes on it; the given array stays as it is.

    With `labels` (each with `points` and `ignore`): green found and right, red found but wrong, orange
    missed, grey not counted (ignored regions and what was found in them). Without: all found boxes green.
    """
    canvas = image.copy()
    if labels is None:
        return _draw(canvas, list(prediction.quads), GREEN)
    true = [np.asarray(label.points, np.float32) for label in labels]
    match = match_page(prediction.quads, np.asarray(prediction.scores, np.float32), prepare_truths(labels))
    right = set(match.pairs[:, 1].tolist())
    found = set(match.pairs[:, 0].tolist())
    counted = match.counted_predictions
    canvas = _draw(canvas, [true[i] for i in np.flatnonzero(~match.counted_truths)], GREY)
    canvas = _draw(canvas, [prediction.quads[i] for i in np.flatnonzero(~counted)], GREY)
    missed = [true[i] for i in np.flatnonzero(match.counted_truths) if i not in found]
    canvas = _draw(canvas, missed, ORANGE)
    canvas = _draw(canvas, [prediction.quads[i] for i in sorted(right)], GREEN)
    return _draw(canvas, [prediction.quads[i] for i in np.flatnonzero(counted) if i not in right], RED)


def _draw(canvas: np.ndarray, outlines: Sequence[np.ndarray], colour: tuple[int, int, int]) -> np.ndarray:
    """`canvas` with `outlines` (P, 2) tinted and outlined in `colour`."""
    if not outlines:
        return canvas
    points = [np.round(np.asarray(outline) * 2**SUB_PIXEL_BITS).astype(np.int32) for outline in outlines]
    tinted = canvas.copy()
    for outline in points:
        cv2.fillPoly(tinted, [outline], colour, cv2.LINE_AA, SUB_PIXEL_BITS)
    canvas = cv2.addWeighted(tinted, FILL, canvas, 1 - FILL, 0)
    thickness = max(1, round(max(canvas.shape[:2]) / 1000))
    cv2.polylines(canvas, points, True, colour, thickness, cv2.LINE_AA, SUB_PIXEL_BITS)
    return canvas
