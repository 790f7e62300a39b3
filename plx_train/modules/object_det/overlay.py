"""An image with the boxes that were found drawn on it; beside the truth, what is right, wrong and missed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.metrics.boxes import image_boxes, judge
from plx_train.vision.draw import FALSE, FOUND, MISSED, UNCOUNTED, Colour
from plx_train.vision.draw_boxes import Panel, draw_boxes
from plx_train.vision.objects import Detections, Objects


def draw_truth(image: np.ndarray, truth: Objects) -> np.ndarray:
    """The image uint8 (H, W, 3) BGR with its labels, classes by number: green, or grey where they count neither way."""
    for colour, rows in ((FOUND, ~truth.is_crowd), (UNCOUNTED, truth.is_crowd)):
        captions = [str(number) for number in truth.classes[rows].tolist()]
        image = draw_boxes(image, truth.boxes[rows], captions, colour)
    return image


def draw_overlay(image: np.ndarray, prediction: Detections, truth: Objects | None, names: Sequence[str]) -> np.ndarray:
    """The image with boxes; with `truth`: green right, red wrong, orange missed, grey not counted."""
    taken: list[Panel] = []
    if truth is None:
        return _drawn(image, prediction.rows, names, FOUND, taken)
    judged = judge(image_boxes(truth, prediction.candidates, (image.shape[0], image.shape[1])), prediction.rows)
    image = draw_boxes(image, truth.boxes[truth.is_crowd], [""] * int(truth.is_crowd.sum()), UNCOUNTED)
    missed = ~truth.is_crowd & ~judged.is_found
    captions = [names[number] for number in truth.classes[missed].tolist()]
    image = draw_boxes(image, truth.boxes[missed], captions, MISSED, taken)
    image = _drawn(image, judged.rows[judged.is_right], names, FOUND, taken)
    return _drawn(image, judged.rows[~judged.is_right], names, FALSE, taken)


def _drawn(image: np.ndarray, rows: np.ndarray, names: Sequence[str], colour: Colour, taken: list[Panel]) -> np.ndarray:
    captions = [f"{names[int(row[0])]} {row[1]:.2f}" for row in rows]
    return draw_boxes(image, rows[:, 2:], captions, colour, taken)
