"""The axes of charts: scales, round ticks, grid and labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 30
"""Pixels of every chart, and of the margins around its frame."""


@dataclass(frozen=True)
class Scale:
    """A linear axis from values to pixels."""

    low: float
    high: float
    pixel_low: float
    pixel_high: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.pixel_low + share * (self.pixel_high - self.pixel_low)


@dataclass(frozen=True)
class Frame:
    """The two axes of a chart."""

    x: Scale
    y: Scale


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most about `most` round numbers (1, 2, 2.5 or 5 times a power of ten) within [low, high]."""
    if not low < high:
        return [low]
    rough = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    ticks: list[float] = []
    while (first + len(ticks)) * step <= high + 1e-9 * step:
        ticks.append(round((first + len(ticks)) * step, 12))
    return ticks


def number_text(value: float) -> str:
    """A number for axes and legends: at most four significant digits, exponents where they are shorter."""
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3 or size >= 1e5:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.4g}"


def axes(frame: Frame, x_label: str, y_label: str = "") -> str:
    """Grid, ticks and names of both axes, as SVG."""
    right, bottom = frame.x.pixel_high, frame.y.pixel_low
    parts = ['<g class="grid">']
    for value in nice_ticks(frame.y.low, frame.y.high):
        y = frame.y(value)
        parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="end" x="{LEFT - 7}" y="{y + 3.5:.1f}">{number_text(value)}</text>')
    for value in nice_ticks(frame.x.low, frame.x.high, 7):
        x = frame.x(value)
        parts.append(f'<line class="notch" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
        parts.append(f'<text class="middle" x="{x:.1f}" y="{bottom + 16}">{number_text(value)}</text>')
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/></g>')
    parts.append(f'<text class="label end" x="{right}" y="{HEIGHT - 1}">{escape(x_label)}</text>')
    if y_label:
        place = f"translate(12 {(frame.y.pixel_high + bottom) / 2:.0f}) rotate(-90)"
        parts.append(f'<text class="label middle" transform="{place}">{escape(y_label)}</text>')
    return "".join(parts)
