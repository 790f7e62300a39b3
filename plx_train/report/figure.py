"""The frame around a chart: caption, legend, picture; and the marks that charts have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plx_train.ground.markup import escape
from plx_train.report.axes import BOTTOM, HEIGHT, LEFT, WIDTH, Frame

EDGE = 18
"""Pixels to the right of a frame, for half of the last tick's text."""
DESCENDER = 3
"""Pixels below the lowest line of text."""


@dataclass(frozen=True)
class LegendItem:
    """A line's colour, name and figure above a chart; the colour is a number or a class of the style sheet."""

    colour: int | str
    name: str
    value: str = ""
    is_dashed: bool = False

    def html(self) -> str:
        """The figure as a list item."""
        value = f" <b>{escape(self.value)}</b>" if self.value else ""
        css = f"b{self.colour}" if isinstance(self.colour, int) else self.colour
        css += " hollow" if self.is_dashed else ""
        return f'<li><i class="{css}"></i>{escape(self.name)}{value}</li>'


def figure(
    title: str,
    legend: Sequence[LegendItem],
    body: Sequence[str],
    summary: str,
    frame: Frame | None = None,
    css: str = "chart",
) -> str:
    """A chart with its caption.

    Args:
        title: of the chart.
        legend: above it.
        body: the axes first; what follows is cut off at the frame, by an inner picture of that size.
        summary: the chart in words, for who can't see it.
        frame: whose pixels give the size; None: the usual one.
        css: classes of the figure.
    """
    items = "".join(item.html() for item in legend)
    width, height, x = WIDTH, HEIGHT, LEFT - 6
    if frame is not None:
        width, height = round(frame.x.pixel_high) + EDGE, round(frame.y.pixel_low) + BOTTOM
        x = round(frame.x.pixel_low) - 6
    size = f'width="{width - x}" height="{height - BOTTOM + 6}" viewBox="{x} 0 {width - x} {height - BOTTOM + 6}"'
    caption = f'<figcaption><h3>{escape(title)}</h3><ul class="legend">{items}</ul></figcaption>'
    first, *others = body
    return (
        f'<figure class="{css}">{caption}'
        f'<svg viewBox="0 0 {width} {height + DESCENDER}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(summary)}</desc>"
        f'{first}<svg x="{x}" y="0" {size}>{"".join(others)}</svg></svg></figure>'
    )


def path_data(pixels: Sequence[tuple[float, float]]) -> str:
    """A line through `pixels`."""
    # Clamped a little outside of the frame, which cuts off the rest.
    return "M" + "L".join(f"{x:.1f} {min(max(y, -HEIGHT), 2 * HEIGHT):.1f}" for x, y in pixels)


def mark(x: float, y: float, colour: int | str, name: str, radius: float = 5) -> str:
    """A filled point that `name` explains on hovering."""
    css = f"s{colour}" if isinstance(colour, int) else colour
    return f'<circle class="mark {css}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"><title>{escape(name)}</title></circle>'
