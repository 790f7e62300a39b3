"""A light chart to draw lines on: shapes at twice the size, made smaller; words at their own size; both are crisp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from plx_train.ground.characters import legible
from plx_train.series.draw.axis import Ticks, number_ticks

OVERSIZE = 2
"""Shapes are drawn so many times larger."""
FRACTION_BITS = 4
"""Fractions of pixels that OpenCV draws to."""
Colour = tuple[int, int, int]
GRID, AXIS, INK, GREY = (232, 234, 238), (176, 181, 190), (45, 50, 60), (110, 116, 128)
BLUE, BLACK, ORANGE, RED, GREEN, PURPLE = (
    (58, 110, 190), (38, 42, 50), (235, 126, 22), (205, 52, 52), (48, 145, 88), (128, 90, 190),
)  # fmt: skip
"""RGB."""
TITLE_SIZE, TEXT_SIZE = 17, 13


@dataclass(frozen=True)
class Panel:
    """A rectangle of the picture with its own axes.

    Attributes:
        left, top, right, bottom: pixels of the frame.
        x_low, x_high, y_low, y_high: what its edges are worth.
    """

    left: float
    top: float
    right: float
    bottom: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, values: np.ndarray) -> np.ndarray:
        """Pixels of values along the horizontal axis."""
        share = (np.asarray(values, np.float64) - self.x_low) / (self.x_high - self.x_low)
        return self.left + share * (self.right - self.left)

    def y(self, values: np.ndarray) -> np.ndarray:
        """Pixels of values along the vertical axis."""
        share = (np.asarray(values, np.float64) - self.y_low) / (self.y_high - self.y_low)
        return self.bottom - share * (self.bottom - self.top)


class Canvas:
    """A white picture of so many pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._pixels = np.full((height * OVERSIZE, width * OVERSIZE, 3), 255, np.uint8)
        self._words: list[tuple[float, float, str, Colour, int, str]] = []

    def image(self) -> np.ndarray:
        """The picture uint8 (height, width, 3), BGR."""
        small = cv2.resize(self._pixels, (self.width, self.height), interpolation=cv2.INTER_AREA)
        picture = Image.fromarray(small)
        pen = ImageDraw.Draw(picture)
        for x, y, text, colour, size, anchor in self._words:
            pen.text((round(x), round(y)), text, colour, ImageFont.load_default(size), anchor)
        return cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR)

    def words(
        self, x: float, y: float, text: str, colour: Colour = INK, size: int = TEXT_SIZE, anchor: str = "lm"
    ) -> None:
        """A text at a place; the anchor is PIL's, as ``lm`` for left middle."""
        self._words.append((x, y, legible(text), colour, size, anchor))

    def frame(self, panel: Panel, x_ticks: Ticks, y_label: str = "", y_ticks: int = 5) -> None:
        """Grid, axis and texts of the ticks."""
        font = ImageFont.load_default(TEXT_SIZE)
        for value, text in number_ticks(panel.y_low, panel.y_high, y_ticks):
            y = float(panel.y(np.asarray(value)))
            self.line(np.asarray([[panel.left, y], [panel.right, y]]), GRID, 1)
            shrunk = min((panel.left - 12) / font.getlength(text), 1.0)
            self.words(panel.left - 8, y, text, GREY, int(TEXT_SIZE * shrunk), "rm")
        for value, text in x_ticks:
            x = float(panel.x(np.asarray(value)))
            self.line(np.asarray([[x, panel.top], [x, panel.bottom + 4]]), GRID, 1)
            room = font.getlength(text) / 2 + 2
            self.words(min(max(x, room), self.width - room), panel.bottom + 8, text, GREY, anchor="mt")
        self.line(np.asarray([[panel.left, panel.bottom], [panel.right, panel.bottom]]), AXIS, 1)
        if y_label:
            self.words(panel.left, panel.top - 7, y_label, GREY, anchor="ls")

    def curve(self, panel: Panel, x: np.ndarray, y: np.ndarray, colour: Colour, width: float = 1.8) -> None:
        """A line through points, broken where there is no value; of very many, the extremes of each pixel are kept."""
        pixels = np.stack([panel.x(x), np.clip(panel.y(y), -1e4, 1e4)], axis=1)
        edges = np.flatnonzero(np.diff(np.isfinite(pixels[:, 1]).astype(np.int8))) + 1
        for part in np.split(pixels, edges):
            if not np.isfinite(part[0, 1]):
                continue
            if len(part) == 1:
                self.dot(part[0], colour, width * 1.3)
            self.line(_thinned(part), colour, width)

    def line(self, points: np.ndarray, colour: Colour, width: float) -> None:
        """A line through points (N, 2) in pixels."""
        if len(points) < 2:
            return
        fixed = np.round(points * OVERSIZE * (1 << FRACTION_BITS)).astype(np.int32)
        thickness = max(round(width * OVERSIZE), 1)
        cv2.polylines(self._pixels, [fixed[:, None]], False, colour, thickness, cv2.LINE_AA, FRACTION_BITS)

    def dashes(self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: float = 1.4) -> None:
        """A dashed line between points in pixels."""
        first, last = np.asarray(start, np.float64), np.asarray(end, np.float64)
        length = float(np.linalg.norm(last - first))
        for begin in np.arange(0.0, length, 9.0):
            stop = min(begin + 5.0, length)
            self.line(first + (last - first) * np.asarray([[begin], [stop]]) / max(length, 1e-9), colour, width)

    def dot(self, point: np.ndarray, colour: Colour, radius: float) -> None:
        """A disc at a point in pixels."""
        scale = OVERSIZE * (1 << FRACTION_BITS)
        x, y = np.round(np.asarray(point) * scale).astype(int).tolist()
        cv2.circle(self._pixels, (x, y), round(radius * scale), colour, cv2.FILLED, cv2.LINE_AA, FRACTION_BITS)

    def area(self, panel: Panel, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: Colour) -> None:
        """The room between two curves; colours are mixed with what is there by multiplying."""
        upper = np.stack([panel.x(x), panel.y(high)], 1)
        lower = np.stack([panel.x(x), panel.y(low)], 1)[::-1]
        self._fill(np.concatenate([upper, lower]), colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled rectangle in pixels, mixed as `area` is."""
        self._fill(np.asarray([[left, top], [right, top], [right, bottom], [left, bottom]]), colour)

    def _fill(self, corners: np.ndarray, colour: Colour) -> None:
        corners = corners[np.isfinite(corners).all(1)]
        if len(corners) < 3:
            return
        # Only the pixels around the shape: pictures may have many small ones.
        low = (np.floor(corners.min(axis=0) * OVERSIZE).astype(int) - 1).clip(0)
        high = (np.ceil(corners.max(axis=0) * OVERSIZE).astype(int) + 2).clip(0)
        pixels = self._pixels[low[1] : high[1], low[0] : high[0]]
        mask = np.zeros(pixels.shape[:2], np.uint8)
        if not mask.size:
            return
        fixed = np.round((corners * OVERSIZE - low) * (1 << FRACTION_BITS)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], (255,), cv2.LINE_AA, FRACTION_BITS)
        inside = mask > 0
        share = mask[inside, None] / 255
        under = pixels[inside]
        mixed = under * (np.asarray(colour) / 255)
        pixels[inside] = np.round(under * (1 - share) + mixed * share).astype(np.uint8)

    def legend(self, right: float, y: float, entries: Sequence[tuple[str, Colour, str]]) -> None:
        """Names with their colours, in a row that ends at a place; kinds are ``line``, ``dash`` and ``box``."""
        font = ImageFont.load_default(TEXT_SIZE)
        x = right - legend_width(entries)
        for name, colour, kind in entries:
            if kind == "box":
                self.box(x, y - 5, x + 20, y + 5, colour)
            elif kind == "dash":
                self.dashes((x, y), (x + 20, y), colour)
            else:
                self.line(np.asarray([[x, y], [x + 20, y]]), colour, 2.4)
            self.words(x + 27, y, name)
            x += font.getlength(legible(name)) + 44


def legend_width(entries: Sequence[tuple[str, Colour, str]]) -> float:
    """Pixels from a legend's first to its last."""
    font = ImageFont.load_default(TEXT_SIZE)
    return sum(font.getlength(legible(name)) + 44 for name, _, _ in entries) - 16


def _thinned(points: np.ndarray) -> np.ndarray:
    """First, lowest, highest and last point of each pixel's column, where there are many more points than pixels."""
    columns = np.floor(points[:, 0] * OVERSIZE).astype(np.int64)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(columns)) + 1])
    if len(points) < 4 * len(starts):
        return points
    kept = []
    for start, stop in zip(starts, [*starts[1:], len(points)], strict=True):
        heights = points[start:stop, 1]
        kept += sorted({start, start + int(heights.argmin()), start + int(heights.argmax()), stop - 1})
    return points[kept]
