"""Charts as inline SVG: no script, no font, no address; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plx_train.ground.markup import escape
from plx_train.report.axes import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Frame,
    Scale,
    axes,
    nice_ticks,
    number_text,
)
from plx_train.report.data import ChartSeries, PrecisionRecall
from plx_train.report.figure import LegendItem, figure, mark, path_data

CONTOUR_RIGHT = 62
"""Margin in pixels where the lines of equal hmean are named."""
NUM_COLOURS = 6
MOST_LINE_POINTS = 600
MOST_HOVER_POINTS = 80
SPIKE = 3.0
"""Values beyond this many times the 95th percentile run out of the chart, so that the rest stays legible."""


def line_chart(title: str, series: Sequence[ChartSeries], x_label: str = "step") -> str:
    """A figure with one line per series and a legend that gives the last values.

    Values that are not finite are left out. Hovering over a point names it.
    """
    clean = [_finite(one) for one in series]
    clean = [one for one in clean if one.steps]
    if not clean:
        return ""
    frame = _frame_of(clean)
    colours = _colours(clean)
    # The first series matters most, so it is drawn last, on top.
    lines = [_line(one, colours[one.name], frame) for one in reversed(clean)]
    if clean[0].is_sparse:
        lines.append(_best(clean[0], frame))
    legend = [
        LegendItem(
            colours[one.name],
            "last" if one.name == title else one.name,
            number_text(one.values[-1]),
            one.variant_of is not None,
        )
        for one in clean
    ]
    summary = "; ".join(
        f"{one.name} from {number_text(one.values[0])} to {number_text(one.values[-1])}" for one in clean
    )
    return figure(title, legend, [axes(frame, x_label), *lines], summary)


def _colours(series: Sequence[ChartSeries]) -> dict[str, int]:
    """Colour number by name; a variant has the colour of what it is a variant of."""
    found: dict[str, int] = {}
    for one in series:
        if one.variant_of is None:
            found[one.name] = len(found) % NUM_COLOURS
    return {one.name: found.get(one.variant_of or one.name, NUM_COLOURS - 1) for one in series}


def precision_recall_chart(title: str, curves: Sequence[PrecisionRecall]) -> str:
    """A figure of precision over recall, with faint lines of equal hmean."""
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return ""
    low = _corner(curves)
    frame = Frame(Scale(low, 1.0, LEFT, WIDTH - CONTOUR_RIGHT), Scale(low, 1.0, HEIGHT - BOTTOM, TOP))
    levels = [level for level in nice_ticks(low, 0.99, 6) if level > low]
    body = [axes(frame, "recall", "precision") + "".join(_equal_hmean(level, low, frame) for level in levels)]
    legend = []
    for position, curve in enumerate(curves):
        # The last curve is what the run came to and has the accent; earlier ones are muted.
        index = 0 if position == len(curves) - 1 else (NUM_COLOURS - 1 - position) % NUM_COLOURS
        points = sorted(curve.points)
        path = path_data([(frame.x(recall), frame.y(precision)) for recall, precision in points])
        body.append(f'<path class="line s{index}" d="{path}"/>')
        names = [f"{curve.name}: recall {recall:.3f}, precision {precision:.3f}" for recall, precision in points]
        body.append(_hover(points, names, index, frame))
        text = ""
        if curve.chosen:
            recall, precision = curve.chosen
            name = f"{curve.name}, in use: recall {recall:.4f}, precision {precision:.4f}"
            body.append(mark(frame.x(recall), frame.y(precision), index, name))
            text = f"P {precision:.3f} · R {recall:.3f}"
        legend.append(LegendItem(index, curve.name, text))
    return figure(title, legend, body, "; ".join(curve.name for curve in curves))


def share_bar(parts: Mapping[str, float]) -> str:
    """A stacked bar of durations in seconds, with a table of seconds and shares."""
    total = sum(parts.values())
    if total <= 0:
        return ""
    segments, rows = [], []
    for index, (name, seconds) in enumerate(parts.items()):
        share, colour = seconds / total, f"b{index % NUM_COLOURS}"
        title = escape(f"{name}: {seconds:.1f} s, {share:.1%}")
        inner = f"{share:.0%}" if share >= 0.07 else ""
        style = f"flex-grow:{max(share, 0.002):.4f}"
        segments.append(f'<span class="{colour}" style="{style}" title="{title}">{inner}</span>')
        rows.append(
            f'<tr><td><i class="{colour}"></i>{escape(name)}</td>'
            f'<td class="num">{seconds:.1f} s</td><td class="num">{share:.1%}</td></tr>'
        )
    text = escape(", ".join(f"{name} {seconds / total:.0%}" for name, seconds in parts.items()))
    bar = f'<div class="bar" role="img" aria-label="{text}">{"".join(segments)}</div>'
    return f'<div class="shares">{bar}<table>{"".join(rows)}</table></div>'


def smooth(values: Sequence[float]) -> list[float]:
    """An exponential mean over about a twentieth of the values, without the pull of the first one."""
    decay = 1.0 - 1.0 / max(len(values) / 20.0, 2.0)
    mean, weight, found = 0.0, 0.0, []
    for value in values:
        mean, weight = decay * mean + (1 - decay) * value, decay * weight + (1 - decay)
        found.append(mean / weight)
    return found


def _finite(series: ChartSeries) -> ChartSeries:
    pairs = [(step, value) for step, value in zip(series.steps, series.values, strict=True) if math.isfinite(value)]
    steps, values = zip(*pairs, strict=True) if pairs else ((), ())
    return replace(series, steps=steps, values=values)


def _frame_of(series: Sequence[ChartSeries]) -> Frame:
    steps = [step for one in series for step in one.steps]
    values = sorted(value for one in series for value in one.values)
    low, high = values[0], values[-1]
    typical = values[int(0.95 * (len(values) - 1))]
    if any(one.is_noisy for one in series) and high > SPIKE * typical > 0:
        high = SPIKE * typical
    if low >= 0 and low < 0.5 * high:
        low = 0.0
    gap = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    low, high = (low if low == 0 else low - gap), high + gap
    if all(0 <= value <= 1 for value in values):
        low, high = max(low, 0.0), min(high, 1.02)
    first, last = min(steps), max(steps)
    if first == last:
        first, last = min(first, 0), max(last, 1)
    return Frame(Scale(first, last, LEFT, WIDTH - RIGHT), Scale(low, high, HEIGHT - BOTTOM, TOP))


def _line(series: ChartSeries, index: int, frame: Frame) -> str:
    colour = f"s{index}" if series.variant_of is None else f"s{index} dashed"
    raw = list(zip(series.steps, series.values, strict=True))
    drawn = raw
    parts = []
    if series.is_noisy and len(raw) > 20:
        drawn = list(zip(series.steps, smooth(series.values), strict=True))
        parts.append(f'<path class="line raw {colour}" d="{path_data(_pixels(raw, frame))}"/>')
    parts.append(f'<path class="line {colour}" d="{path_data(_pixels(drawn, frame))}"/>')
    if series.is_sparse or len(raw) == 1:
        parts += [f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in _pixels(raw, frame)]
    shown = drawn[:: max(1, math.ceil(len(drawn) / MOST_HOVER_POINTS))]
    names = [f"{series.name} {number_text(value)} at step {number_text(step)}" for step, value in shown]
    return "".join(parts) + _hover(shown, names, index, frame)


def _pixels(points: Sequence[tuple[float, float]], frame: Frame) -> list[tuple[float, float]]:
    return [(frame.x(x), frame.y(y)) for x, y in thin_out(points)]


def thin_out(points: Sequence[tuple[float, float]], most: int = MOST_LINE_POINTS) -> list[tuple[float, float]]:
    """At most about `most` points: the lowest and the highest of each stretch, so that spikes stay."""
    size = math.ceil(2 * len(points) / most)
    if size <= 2:
        return list(points)
    kept = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        kept += sorted({min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])})
    return kept


def _hover(points: Sequence[tuple[float, float]], names: Sequence[str], index: int, frame: Frame) -> str:
    thin = max(1, math.ceil(len(points) / MOST_HOVER_POINTS))
    circles = [
        f'<circle class="hit s{index}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="5">'
        f"<title>{escape(name)}</title></circle>"
        for (x, y), name in list(zip(points, names, strict=True))[::thin]
    ]
    return "".join(circles)


def _best(series: ChartSeries, frame: Frame) -> str:
    """The best point, marked and named."""
    best_of = min if series.is_error else max
    step, value = best_of(zip(series.steps, series.values, strict=True), key=lambda point: point[1])
    x, y = frame.x(step), frame.y(value)
    anchor = "end" if x > WIDTH / 2 else ""
    # Below the line where there is room, because lines of metrics rise towards their best.
    below = y + 24 < frame.y.pixel_low
    name = f"best {series.name} {value:.4f}"
    text = f'<text class="best {anchor}" x="{x:.1f}" y="{y + 24 if below else y - 10:.1f}">{escape(name)}</text>'
    return text + mark(x, y, 0, f"{name} at step {number_text(step)}")


def _corner(curves: Sequence[PrecisionRecall]) -> float:
    """The axes begin at 0, or higher where all points in use lie near the top right."""
    points = [point for curve in curves for point in curve.points]
    points += [curve.chosen for curve in curves if curve.chosen]
    nearest = min(min(point) for point in points)
    return 0.8 if nearest > 0.82 else 0.5 if nearest > 0.52 else 0.0


def _equal_hmean(value: float, low: float, frame: Frame) -> str:
    """The line on which 2PR / (P + R) is `value`, named at its end on the right."""
    first = max(low, value / (2.0 - value))
    points = []
    for number in range(61):
        recall = first + (1.0 - first) * number / 60
        precision = value * recall / (2 * recall - value)
        if precision >= low:
            points.append((frame.x(recall), frame.y(precision)))
    if len(points) < 2:
        return ""
    x, y = points[-1]
    return (
        f'<path class="contour" d="{path_data(points)}"/>'
        f'<text class="contour-name" x="{x + 5:.1f}" y="{y + 3.5:.1f}">hmean {value:g}</text>'
    )
