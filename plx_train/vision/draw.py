"""Pictures of images with what is said of them under them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from plx_train.vision.answers import Answers

MIN_SIDE, MAX_SIDE = 160, 480
"""Of the image in the picture; pixels."""
FONT_SIZE, LINE, MARGIN, SHOWN = 18, 26, 8, 3
GREEN, RED, GREY = (20, 130, 40), (210, 30, 30), (70, 70, 70)
"""RGB."""


def draw_answers(
    image: np.ndarray, answers: Answers, truth: Collection[int] | None = None, names: Sequence[str] = ()
) -> np.ndarray:
    """The image uint8 (H, W, 3) BGR with its likeliest classes and their scores under it.

    Beside the truth, green where right and red where wrong or missed.

    Args:
        truth: numbers of the classes that hold; None: not known.
        names: of all classes, by number.
    """
    lines = []
    given = zip(answers.classes.tolist(), answers.scores.tolist(), answers.names, strict=True)
    for place, (number, score, name) in enumerate(given):
        is_right = truth is not None and number in truth
        is_wrong = truth is not None and not is_right and place < max(len(truth), 1)
        if place < SHOWN or is_right:
            lines.append((f"{score:.3f}  {name}", GREEN if is_right else RED if is_wrong else GREY))
    missed = [number for number in truth or () if number not in answers.classes]
    lines += [(f"true: {names[number] if number < len(names) else number}", GREEN) for number in missed]
    return draw_captions(image, lines or [("nothing found", GREY)])


def draw_captions(image: np.ndarray, lines: list[tuple[str, tuple[int, int, int]]]) -> np.ndarray:
    """The image with lines of text in RGB colours under it, (h, w, 3) uint8 BGR."""
    font = ImageFont.load_default(FONT_SIZE)
    longest = max(image.shape[:2])
    scale = max(MIN_SIDE / longest, 1) * min(MAX_SIDE / longest, 1)
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    width = round(max(size[0], *(font.getlength(text) for text, _ in lines))) + 2 * MARGIN
    canvas = Image.new("RGB", (width, size[1] + 3 * MARGIN + LINE * len(lines)), "white")
    canvas.paste(Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)), (MARGIN, MARGIN))
    pen = ImageDraw.Draw(canvas)
    for row, (text, colour) in enumerate(lines):
        pen.text((MARGIN, size[1] + 2 * MARGIN + LINE * row), text, colour, font)
    return cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2BGR)
