"""Pictures of what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from plx_train.ground.characters import legible
from plx_train.vision.draw import wide_font

INK = (32, 32, 32)
COLOURS = ((214, 69, 65), (38, 120, 178), (42, 140, 85), (188, 120, 20), (120, 80, 170), (0, 130, 140))
"""RGB; told apart by most of those who see colours otherwise."""
SMALLEST_FONT = 8
JPEG_SIDE = 65500
"""Pixels of a side that JPEG can hold."""


def draw_texts(image: np.ndarray, quads: Sequence[np.ndarray], texts: Sequence[str]) -> np.ndarray:
    """The page with boxes, beside it the texts at their places; uint8 (H, 2 W, 3) BGR."""
    height, width = image.shape[:2]
    left = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    right = Image.new("RGB", (width, height), "white")
    boxes, words = ImageDraw.Draw(left, "RGBA"), ImageDraw.Draw(right)
    for number, (quad, text) in enumerate(zip(quads, texts, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        corners = [(int(x), int(y)) for x, y in quad]
        boxes.polygon(corners, fill=(*colour, 60), outline=(*colour, 255))
        words.polygon(corners, outline=(*colour, 90))
        _write(words, quad, text)
    both = Image.new("RGB", (2 * width, height), "white")
    both.paste(left, (0, 0))
    both.paste(right, (width, 0))
    return cv2.cvtColor(np.asarray(both), cv2.COLOR_RGB2BGR)


def _write(canvas: ImageDraw.ImageDraw, quad: np.ndarray, text: str) -> None:
    """The text as large as its box allows; Pillow's own font lacks what is not Latin."""
    (left, top), (right, bottom) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
    size = max(SMALLEST_FONT, int((bottom - top) * 0.75))
    font = ImageFont.load_default(size)
    text = legible(text)
    length = canvas.textlength(text, font=font)
    if length > right - left > 0:
        font = ImageFont.load_default(max(SMALLEST_FONT, int(size * (right - left) / length)))
    canvas.text((left, (top + bottom) / 2), text, fill=INK, font=font, anchor="lm")


def draw_labels(image: np.ndarray, labels: Sequence[str], scores: Sequence[float]) -> np.ndarray:
    """The picture with its labels and their scores at the top left, uint8 (H, W, 3) BGR."""
    picture = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    canvas = ImageDraw.Draw(picture, "RGBA")
    size = max(10, min(picture.size) // 24)
    font = ImageFont.load_default(size)
    for number, (label, score) in enumerate(zip(labels, scores, strict=True)):
        place = (size // 2, size // 2 + number * int(size * 1.4))
        text = f"{legible(label)} {score:.2f}"
        canvas.rectangle(canvas.textbbox(place, text, font=font), fill=(255, 255, 255, 200))
        canvas.text(place, text, fill=INK, font=font)
    return cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR)


def draw_attributes(image: np.ndarray, boxes: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """The picture with boxes and in each, at its top left, a label a line; uint8 (H, W, 3) BGR."""
    picture = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    canvas = ImageDraw.Draw(picture, "RGBA")
    size = max(10, round(max(picture.size) / 70))
    font, thickness = wide_font(size), max(2, round(max(picture.size) / 500))
    for number, box in enumerate(boxes):
        colour = COLOURS[number % len(COLOURS)]
        left, top, right, bottom = box["coordinate"]
        canvas.rectangle((left, top, right, bottom), outline=(*colour, 255), width=thickness)
        lines = [f"{legible(label)} {score:.2f}" for label, score in zip(box["labels"], box["cls_scores"], strict=True)]
        if not lines:
            continue
        step, inner = int(size * 1.3), size // 3
        longest = max(canvas.textlength(line, font=font) for line in lines)
        width, height = longest + 2 * inner, step * len(lines) + inner
        # A box at the edge has its panel moved into the picture.
        left, top = max(min(left, picture.width - width), 0), max(min(top, picture.height - height), 0)
        canvas.rectangle((left, top, left + width, top + height), fill=(*colour, 225))
        for row, line in enumerate(lines):
            canvas.text((left + inner, top + inner // 2 + step * row), line, (255, 255, 255), font)
    return cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR)


def within_jpeg(picture: np.ndarray) -> np.ndarray:
    """`picture`, made smaller where a side is longer than JPEG can hold."""
    height, width = picture.shape[:2]
    scale = JPEG_SIDE / max(height, width)
    if scale >= 1:
        return picture
    size = (max(int(width * scale), 1), max(int(height * scale), 1))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
