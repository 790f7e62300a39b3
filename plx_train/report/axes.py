"""The axes of charts: scales, round ticks, grid and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from plx_train.ground.markup import escape

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 30
"""Pixels of a chart where nothing else is said, and of the margins around its frame."""
CHARACTER_WIDTH = 6.2
"""Pixels of a letter of average width in the charts' font."""


class AnyScale(Protocol):
    """An axis from values to pixels."""

    @property
    def pixel_low(self) -> float: ...

    @property
    def pixel_high(self) -> float: ...

    def __call__(self, value: Any) -> float: ...

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most about `most` (pixel, text)."""
        ...


@dataclass(frozen=True)
class Scale:
    """A linear axis."""

    low: float
    high: float
    pixel_low: float
    pixel_high: float

    def __call__(self, value: Any) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.pixel_low + share * (self.pixel_high - self.pixel_low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        return [(self(value), number_text(value)) for value in nice_ticks(self.low, self.high, most)]


@dataclass(frozen=True)
class CountScale(Scale):
    """A linear axis of whole numbers: nothing stands between two of them."""

    def ticks(self, most: int) -> list[tuple[float, str]]:
        whole = [round(value) for value in nice_ticks(self.low, self.high, most) if value == round(value)]
        return [(self(value), str(value)) for value in whole or [math.ceil(self.low)]]


@dataclass(frozen=True)
class LogScale:
    """A logarithmic axis; both ends are above zero."""

    low: float
    high: float
    pixel_low: float
    pixel_high: float

    def __call__(self, value: Any) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.pixel_low + share * (self.pixel_high - self.pixel_low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        return [(self(value), number_text(value)) for value in log_ticks(self.low, self.high, most)]


@dataclass(frozen=True)
class Categories:
    """An axis of names, each in the middle of a band; values are texts among `names`."""

    names: tuple[str, ...]
    pixel_low: float
    pixel_high: float

    @property
    def band(self) -> float:
        """Pixels that a name has for itself."""
        return abs(self.pixel_high - self.pixel_low) / len(self.names)

    def __call__(self, value: Any) -> float:
        share = (self.names.index(value) + 0.5) / len(self.names)
        return self.pixel_low + share * (self.pixel_high - self.pixel_low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        # Names can't be interpolated, so all of them count, however many there are.
        return [(self(name), name) for name in self.names]


@dataclass(frozen=True)
class Frame:
    """The two axes of a chart."""

    x: AnyScale
    y: AnyScale


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


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Powers of ten within [low, high], with 2 and 5 times these, or 3 times these, where there is room."""
    first, last = math.floor(math.log10(low) - 1e-9), math.ceil(math.log10(high) + 1e-9)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
        ticks = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if 2 <= len(ticks) <= most:
            return ticks
    if len(ticks) < 2:
        return [tick for tick in nice_ticks(low, high, most) if tick > 0]
    return ticks[:: math.ceil(len(ticks) / most)]


def number_text(value: float) -> str:
    """A number for axes and legends: at most four significant digits, exponents where they are shorter."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size < 1e-3 or size >= 1e5:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.4g}"


def shortened(text: str, most: int) -> str:
    """`text` in at most `most` characters; what is left out of its middle is an ellipsis."""
    if len(text) <= most:
        return text
    tail = max(most - 1, 0) // 2
    return f"{text[: max(most - 1 - tail, 0)]}…{text[len(text) - tail :]}"


def text_mark(x: float, y: float, text: str, css: str = "", most: int = 1000) -> str:
    """A text at a place, shortened to `most` characters; the whole of it shows on hovering."""
    short = shortened(text, most)
    title = "" if short == text else f"<title>{escape(text)}</title>"
    kind = f' class="{css}"' if css else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}">{escape(short)}{title}</text>'


def axes(frame: Frame, x_label: str, y_label: str = "") -> str:
    """Grid, ticks and names of both axes, as SVG."""
    left, right, bottom = frame.x.pixel_low, frame.x.pixel_high, frame.y.pixel_low
    parts = ['<g class="grid">']
    for y, text in frame.y.ticks(_room(frame.y, 40, 6)):
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(text_mark(left - 7, y + 3.5, text, "end"))
    ticks = frame.x.ticks(_room(frame.x, 55, 7))
    longest = _longest(frame.x, ticks)
    for x, text in ticks:
        parts.append(f'<line class="notch" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
        parts.append(text_mark(x, bottom + 16, text, "middle", longest))
    parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/></g>')
    parts.append(text_mark(right, bottom + BOTTOM - 1, x_label, "label end"))
    if y_label:
        place = f"translate(12 {(frame.y.pixel_high + bottom) / 2:.0f}) rotate(-90)"
        parts.append(f'<text class="label middle" transform="{place}">{escape(y_label)}</text>')
    return "".join(parts)


def _room(scale: AnyScale, pixels: float, least: int) -> int:
    """How many ticks of `pixels` each an axis has room for; small charts have as many as they always had."""
    span = abs(scale.pixel_high - scale.pixel_low)
    return max(least, int(span / pixels)) if span > WIDTH else min(least, max(int(span / (pixels * 0.75)), 3))


def _longest(scale: AnyScale, ticks: Sequence[tuple[float, str]]) -> int:
    """Characters that a tick's text may have beside its neighbours."""
    if not isinstance(scale, Categories):
        return 1000
    return max(int(scale.band / CHARACTER_WIDTH), 2)
