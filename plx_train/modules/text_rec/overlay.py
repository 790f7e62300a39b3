"""A crop with what was read under it; beside the truth, what is right, wrong and missed."""

from __future__ import annotations

import difflib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

HEIGHT = 64
"""Of the crop in the picture; pixels."""
LINE = 30
FONT_SIZE = 20
MARGIN = 6
GREEN, RED, ORANGE, BLACK = (20, 130, 40), (210, 30, 30), (230, 130, 0), (30, 30, 30)
"""RGB."""


def draw_overlay(image: np.ndarray, prediction: Any, labels: str | None = None) -> np.ndarray:
    """The crop uint8 (H, W, 3) BGR with the read text under it, and under that the true one where it is given.

    Read characters are green where they are right and red where not; in the true text, orange ones were missed.
    """
    if labels is None:
        return draw_lines(image, [[(prediction.text, BLACK)]])
    return draw_lines(image, list(_compared(prediction.text, labels)))


def draw_lines(image: np.ndarray, lines: list[list[tuple[str, tuple[int, int, int]]]]) -> np.ndarray:
    """The crop with lines of (text, RGB) runs under it, (h, w, 3) uint8 BGR."""
    font = _font()
    scale = HEIGHT / image.shape[0]
    crop = cv2.resize(image, (max(round(image.shape[1] * scale), 1), HEIGHT))
    lengths = [sum(font.getlength(_visible(text)) for text, _ in runs) for runs in lines]
    width = round(max(crop.shape[1], *lengths)) + 2 * MARGIN
    canvas = Image.new("RGB", (width, HEIGHT + 2 * MARGIN + LINE * len(lines)), "white")
    canvas.paste(Image.fromarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)), (MARGIN, MARGIN))
    pen = ImageDraw.Draw(canvas)
    for row, runs in enumerate(lines):
        x = float(MARGIN)
        for text, colour in runs:
            pen.text((x, HEIGHT + 2 * MARGIN + LINE * row), _visible(text), colour, font)
            x += font.getlength(_visible(text))
    return cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2BGR)


def _compared(read: str, true: str) -> tuple[list[tuple[str, tuple[int, int, int]]], ...]:
    first, second = [], []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, read, true, autojunk=False).get_opcodes():
        first.append((read[a:b], GREEN if kind == "equal" else RED))
        second.append((true[c:d], BLACK if kind == "equal" else ORANGE))
    return first, second


def _visible(text: str) -> str:
    return text.replace(" ", "␣")


@cache
def _font() -> Any:
    """A font with many scripts where one is at hand: the one that comes with matplotlib, which is not imported."""
    found = importlib.util.find_spec("matplotlib")
    folder = Path(found.origin).parent if found and found.origin else Path()
    path = folder / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(path, FONT_SIZE) if path.is_file() else ImageFont.load_default(FONT_SIZE)
