"""Pictures of what is odd about an image: a heat map on it, and outlines of defects."""

from __future__ import annotations

import cv2
import numpy as np

from plx_train.modules.image_anomaly.processor import AnomalyPrediction
from plx_train.vision.defects import MARKED, Defect
from plx_train.vision.draw import FALSE, FOUND, GREEN, GREY, RED, draw_captions

STRENGTH = 0.45
"""Share of the heat map in the picture, where it is hottest."""
HOTTEST = 2.0
"""Score that is drawn in the hottest colour; 1, the threshold, lies in the middle."""


def draw_overlay(image: np.ndarray, found: AnomalyPrediction, truth: Defect | None = None) -> np.ndarray:
    """The image uint8 (H, W, 3) BGR with its heat, what was found outlined in red, true defects in green."""
    height, width = image.shape[:2]
    heat = cv2.resize(np.clip(found.heat.astype(np.float32) / HOTTEST, 0, 1), (width, height))
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_JET)
    share = STRENGTH * heat[:, :, None]
    canvas = (image * (1 - share) + colours * share).astype(np.uint8)
    _outline(canvas, cv2.resize(found.pred[0], (width, height), interpolation=cv2.INTER_NEAREST), FALSE)
    mask = truth.pixels() if truth else None
    if mask is not None and mask.shape == (height, width):
        _outline(canvas, (mask == MARKED).astype(np.uint8), FOUND)
    said = f"score {found.score:.3f}: {'anomalous' if found.is_anomalous else 'good'}"
    if truth is None:
        return draw_captions(canvas, [(said, RED if found.is_anomalous else GREY)])
    is_right = found.is_anomalous is not truth.is_good
    return draw_captions(canvas, [(said, GREEN if is_right else RED), (f"true: {truth.kind}", GREY)])


def draw_truth(image: np.ndarray, truth: Defect) -> np.ndarray:
    """The image with its defect outlined, and its kind under it."""
    canvas, mask = image.copy(), truth.pixels()
    if mask is not None and mask.shape == image.shape[:2]:
        _outline(canvas, (mask == MARKED).astype(np.uint8), FOUND)
    return draw_captions(canvas, [(truth.kind, GREY)])


def _outline(canvas: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> None:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, outlines, -1, colour, max(1, round(max(canvas.shape[:2]) / 250)))
