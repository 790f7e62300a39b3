"""Boxes with captions on a picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from plx_train.ground.characters import legible
from plx_train.vision.draw import Colour, draw_outlines, wide_font

INK = (255, 255, 255)
Panel = tuple[float, float, float, float]
"""Left, top, right and bottom of a caption."""


def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray,
    captions: Sequence[str],
    colour: Colour,
    taken: list[Panel] | None = None,
) -> np.ndarray:
    """`image` uint8 (H, W, 3) BGR with boxes x1, y1, x2, y2 (N, 4) in `colour`, BGR, and what they are called.

    Args:
        taken: where captions are already, which new ones keep clear of as far as there is room; new ones are added.
    """
    if not len(boxes):
        return image
    taken = [] if taken is None else taken
    corners = [
        np.asarray([[left, top], [right, top], [right, bottom], [left, bottom]]) for left, top, right, bottom in boxes
    ]
    image = draw_outlines(image.copy(), corners, colour)
    picture = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    pen, font = ImageDraw.Draw(picture), wide_font(max(10, round(max(image.shape[:2]) / 70)))
    for box, caption in zip(boxes.tolist(), captions, strict=True):
        if not caption:
            continue
        text = legible(caption)
        width, height = pen.textlength(text, font=font) + 4, pen.textbbox((0, 0), text, font=font)[3] + 2
        panel = _free_panel(box, (width, height), picture.size, taken)
        taken.append(panel)
        pen.rectangle(panel, fill=colour[::-1])
        pen.text((panel[0] + 2, panel[1]), text, INK, font)
    return cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR)


def _free_panel(
    box: Sequence[float], size: tuple[float, float], picture: tuple[int, int], taken: Sequence[Panel]
) -> Panel:
    """Where a caption of that size stands: above its box, else below, within or beside it; above where all is taken."""
    left, top, right, bottom = box
    width, height = size
    places = [(left, top - height), (left, bottom), (left, top), (right - width, top - height), (right - width, bottom)]
    places += [(left, top + step * height) for step in (1, 2, 3)]
    panels = []
    for x, y in places:
        x, y = max(min(x, picture[0] - width), 0), max(min(y, picture[1] - height), 0)
        panels.append((x, y, x + width, y + height))
    return next((panel for panel in panels if not any(_meet(panel, other) for other in taken)), panels[0])


def _meet(one: Panel, other: Panel) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
