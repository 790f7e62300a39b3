"""A crop with what was read under it; beside the truth, what is right, wrong and missed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

from plx_train.vision.draw import BLACK, GREEN, ORANGE, RED, Captions, Colour, at_height, wide_font

HEIGHT = 64
"""Height of the crop in the picture; pixels."""


def draw_overlay(image: np.ndarray, prediction: Any, text: str | None = None) -> np.ndarray:
    """The crop uint8 (H, W, 3) BGR with the read text under it, and under that the true one where it is given.

    Read characters are green where they are right and red where not; in the true text, orange ones were missed.
    """
    if text is None:
        return draw_lines(image, [[(prediction.text, BLACK)]])
    return draw_lines(image, _compared(prediction.text, text))


def draw_lines(image: np.ndarray, lines: Sequence[Sequence[tuple[str, Colour]]]) -> np.ndarray:
    """The crop with lines of (text, RGB) runs under it, (h, w, 3) uint8 BGR."""
    crop = at_height(image, HEIGHT)
    visible = [[(text.replace(" ", "␣"), colour) for text, colour in runs] for runs in lines]
    return Captions(wide_font(20), 30, 6, 0).draw(crop, visible)


def _compared(read: str, true: str) -> tuple[list[tuple[str, Colour]], ...]:
    first, second = [], []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, read, true, autojunk=False).get_opcodes():
        first.append((read[a:b], GREEN if kind == "equal" else RED))
        second.append((true[c:d], BLACK if kind == "equal" else ORANGE))
    return first, second
