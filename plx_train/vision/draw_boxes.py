"""Boxes with captions on a picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from plx_train.ground.characters import legible
from plx_train.vision.draw import Colour, draw_outlines, wide_font

INK = (255, 255, 255)


def draw_boxes(image: np.ndarray, boxes: np.ndarray, captions: Sequence[str], colour: Colour) -> np.ndarray:
    """`image` uint8 (H, W, 3) BGR with boxes x1, y1, x2, y2 (N, 4) in `colour`, BGR, and what they are called."""
    if not len(boxes):
        return image
    corners = [
        np.asarray([[left, top], [right, top], [right, bottom], [left, bottom]]) for left, top, right, bottom in boxes
    ]
    image = draw_outlines(image.copy(), corners, colour)
    picture = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    pen, font = ImageDraw.Draw(picture), wide_font(max(10, round(max(image.shape[:2]) / 70)))
    for (left, top, _, _), caption in zip(boxes.tolist(), captions, strict=True):
        if not caption:
            continue
        text = legible(caption)
        height = pen.textbbox((0, 0), text, font=font)[3] + 2
        place = max(left, 0), max(top - height, 0)
        pen.rectangle((*place, place[0] + pen.textlength(text, font=font) + 4, place[1] + height), fill=colour[::-1])
        pen.text((place[0] + 2, place[1]), text, INK, font)
    return cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR)
