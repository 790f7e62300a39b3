"""Pictures of images with what is said of them: captions under them, outlines on them."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from plx_train.ground.characters import legible
from plx_train.vision.answers import Answers

Colour = tuple[int, int, int]
MIN_SIDE, MAX_SIDE = 160, 480
"""Sides of the image in the picture; pixels."""
LONGEST = 20_000
"""Pixels of a line that are shown."""
SHOWN = 3
"""Classes that are shown under an image."""
GREEN, RED, ORANGE, GREY, BLACK = (20, 130, 40), (210, 30, 30), (230, 130, 0), (70, 70, 70), (30, 30, 30)
"""Colours of captions: RGB."""
FOUND, FALSE, MISSED, UNCOUNTED = (60, 160, 20), (40, 40, 220), (0, 140, 255), (150, 150, 150)
"""Colours of outlines: BGR."""
FILL = 0.18
"""Strength of the tint inside an outline: what is under it stays legible."""
SUB_PIXEL_BITS = 4
"""Fractions of a pixel in drawn outlines, which makes them smooth."""


@dataclass(frozen=True)
class Captions:
    """How lines of text stand under an image; lengths in pixels.

    Attributes:
        font: Pillow's.
        line: from one line to the next.
        margin: around the image, and left of the text.
        foot: under the last line.
    """

    font: Any
    line: int
    margin: int
    foot: int

    def draw(self, picture: np.ndarray, lines: Sequence[Sequence[tuple[str, Colour]]]) -> np.ndarray:
        """The picture with lines of (text, RGB) runs under it, (h, w, 3) uint8 BGR."""
        height, width = picture.shape[:2]
        lines = [[(legible(text), colour) for text, colour in runs] for runs in lines]
        longest = max([width, *(sum(self.font.getlength(text) for text, _ in runs) for runs in lines)])
        size = (
            min(round(longest), LONGEST) + 2 * self.margin,
            height + 2 * self.margin + self.line * len(lines) + self.foot,
        )
        canvas = Image.new("RGB", size, "white")
        canvas.paste(Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)), (self.margin, self.margin))
        pen = ImageDraw.Draw(canvas)
        for row, runs in enumerate(lines):
            x = float(self.margin)
            for text, colour in runs:
                pen.text((x, height + 2 * self.margin + self.line * row), text, colour, self.font)
                x += self.font.getlength(text)
        return cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2BGR)


def at_height(image: np.ndarray, height: int) -> np.ndarray:
    """A line's picture uint8 (H, W, 3) as high as that, and squeezed where it is very long."""
    width = min(max(round(image.shape[1] * height / image.shape[0]), 1), LONGEST)
    return cv2.resize(image, (width, height))


@cache
def wide_font(size: int) -> Any:
    """A font with many scripts where one is at hand: the one that comes with matplotlib, which is not imported."""
    found = importlib.util.find_spec("matplotlib")
    folder = Path(found.origin).parent if found and found.origin else Path()
    path = folder / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(path, size) if path.is_file() else ImageFont.load_default(size)


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


def draw_captions(image: np.ndarray, lines: Sequence[tuple[str, Colour]]) -> np.ndarray:
    """The image with lines of text in RGB colours under it, (h, w, 3) uint8 BGR."""
    longest = max(image.shape[:2])
    scale = max(MIN_SIDE / longest, 1) * min(MAX_SIDE / longest, 1)
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    return Captions(ImageFont.load_default(18), 26, 8, 8).draw(picture, [[line] for line in lines])


def draw_outlines(canvas: np.ndarray, outlines: Sequence[np.ndarray], colour: Colour) -> np.ndarray:
    """`canvas` uint8 (H, W, 3) BGR with `outlines` (P, 2) in pixels tinted and outlined in `colour`, BGR."""
    if not len(outlines):
        return canvas
    points = [np.round(np.asarray(outline) * 2**SUB_PIXEL_BITS).astype(np.int32) for outline in outlines]
    tinted = canvas.copy()
    for outline in points:
        cv2.fillPoly(tinted, [outline], colour, cv2.LINE_AA, SUB_PIXEL_BITS)
    canvas = cv2.addWeighted(tinted, FILL, canvas, 1 - FILL, 0)
    thickness = max(1, round(max(canvas.shape[:2]) / 1000))
    cv2.polylines(canvas, points, True, colour, thickness, cv2.LINE_AA, SUB_PIXEL_BITS)
    return canvas
