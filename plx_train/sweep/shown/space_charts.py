"""Charts of a sweep over its parameters: parallel coordinates, and a slice along each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from plx_train.ground.markup import escape, escape_lines
from plx_train.report.axes import CHARACTER_WIDTH, AnyScale, Categories, Frame, Scale, axes, shortened, text_mark
from plx_train.report.figure import LegendItem, figure
from plx_train.sweep.record import COMPLETE, PRUNED, SweepRecord, TrialRecord
from plx_train.sweep.shown.charts import WIDE, clamped, point, value_scale
from plx_train.sweep.shown.param_axis import ParamAxis, param_axes
from plx_train.sweep.shown.ranking import first_value, leaders, usable
from plx_train.sweep.shown.wording import metric_names, trial_title

NUM_SHADES = 10
"""Classes q0 (worst) to q9 (best) of the style sheet."""
PARALLEL_TOP, PARALLEL_BOTTOM, ABSENT_BELOW = 40, 322, 26
NARROW_GAP = 110.0
"""Pixels between two axes below which every second name stands higher."""
PARALLEL_LEFT, PARALLEL_RIGHT = 84, 58
SPREAD_OF_BAND = 0.3
"""Share of a name's band, to either side, over which its trials are spread, so that lines don't coincide."""
WIDEST_SPREAD = 26.0
SLICE_LEFT, SLICE_RIGHT, SLICE_TOP, SLICE_BOTTOM = 46, 306, 8, 178
GOLDEN = 0.618034


def parallel_chart(record: SweepRecord) -> str:
    """A line per trial through the axes of all parameters and objectives, coloured by rank; best on top."""
    trials = sorted(usable(record), key=lambda trial: record.objectives[0].sign * first_value(trial))
    pruned = [trial for trial in record.trials if trial.state == PRUNED]
    params = param_axes(record, PARALLEL_BOTTOM, PARALLEL_TOP)
    if len(trials) < 2 or not params:
        return ""
    values: list[tuple[str, Scale]] = []
    for index, name in enumerate(metric_names([objective.metric for objective in record.objectives])):
        sign, found = record.objectives[index].sign, [trial.values[index] for trial in trials if trial.values]
        values.append((name, value_scale(found, sign, PARALLEL_BOTTOM, PARALLEL_TOP)))
    num = len(params) + len(values)
    gap = (WIDE - PARALLEL_LEFT - PARALLEL_RIGHT) / (num - 1)
    xs = [PARALLEL_LEFT + gap * index for index in range(num)]
    heights = {axis.key: _heights(axis, [*pruned, *trials]) for axis in params}
    best = {trial.number for trial in leaders(record)}
    lines = []
    for trial in [*pruned, *(t for t in trials if t.number not in best), *(t for t in trials if t.number in best)]:
        ys = [heights[axis.key][trial.number] for axis in params]
        if trial.values is not None and trial.state == COMPLETE:
            ys += [clamped(scale, value)[0] for (_, scale), value in zip(values, trial.values, strict=True)]
        css = "winner" if trial.number in best else "pruned" if trial.state == PRUNED else _shade(trial, trials)
        title = f"<title>{escape_lines(trial_title(record, trial))}</title>"
        lines.append(f'<path class="strand {css}" d="{_bends(list(zip(xs, ys, strict=False)))}">{title}</path>')
    scales: list[tuple[str, str, AnyScale]] = [(axis.key, axis.name, axis.scale) for axis in params]
    scales += [(name, name, scale) for name, scale in values]
    posts = [_post(index, *scale, xs=xs) for index, scale in enumerate(scales)]
    absent = [any(axis.pixel(trial) is None for trial in [*pruned, *trials]) for axis in params]
    for x, is_absent in zip(xs, absent, strict=False):
        if is_absent:
            posts.append(text_mark(x - 8, PARALLEL_BOTTOM + ABSENT_BELOW + 4, "not set", "tick end"))
    bottom = PARALLEL_BOTTOM + (ABSENT_BELOW if any(absent) else 0)
    return _parallel_figure(record, lines, posts, bottom)


def _parallel_figure(record: SweepRecord, lines: Sequence[str], posts: Sequence[str], bottom: float) -> str:
    legend = [LegendItem("key-best", "best" if len(record.objectives) == 1 else "frontier")]
    legend.append(LegendItem("key-ramp", f"worst to best {record.objectives[0].metric}"))
    legend += [LegendItem("key-pruned", "pruned")] if any(trial.state == PRUNED for trial in record.trials) else []
    items = "".join(item.html() for item in legend)
    return (
        '<figure class="chart wide"><figcaption><h3>Parameters of every trial</h3>'
        f'<ul class="legend">{items}</ul></figcaption>'
        f'<svg viewBox="0 0 {WIDE} {bottom + 12}" role="img"><title>Parameters of every trial</title>'
        f"{''.join(lines)}{''.join(posts)}</svg></figure>"
    )


def _heights(axis: ParamAxis, trials: Sequence[TrialRecord]) -> dict[int, float]:
    """Pixel of each trial by number; those of one name are spread over its band, the better the higher."""
    found: dict[int, float] = {}
    by_name: dict[float, list[int]] = {}
    for trial in trials:
        pixel = axis.pixel(trial)
        found[trial.number] = PARALLEL_BOTTOM + ABSENT_BELOW if pixel is None else pixel
        if pixel is not None and isinstance(axis.scale, Categories):
            by_name.setdefault(pixel, []).append(trial.number)
    if isinstance(axis.scale, Categories):
        reach = min(SPREAD_OF_BAND * axis.scale.band, WIDEST_SPREAD)
        for pixel, numbers in by_name.items():
            for rank, number in enumerate(numbers):
                share = (rank + 0.5) / len(numbers)
                found[number] = pixel + reach * (1 - 2 * share)
    return found


def _shade(trial: TrialRecord, ordered: Sequence[TrialRecord]) -> str:
    rank = next(index for index, other in enumerate(ordered) if other.number == trial.number)
    return f"q{min(NUM_SHADES * rank // max(len(ordered) - 1, 1), NUM_SHADES - 1)}"


def _bends(points: Sequence[tuple[float, float]]) -> str:
    """A line that leaves and meets every axis at a right angle."""
    parts = [f"M{points[0][0]:.0f} {points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        parts.append(f"C{middle:.0f} {y0:.1f} {middle:.0f} {y1:.1f} {x1:.0f} {y1:.1f}")
    return "".join(parts)


def _post(index: int, key: str, name: str, scale: AnyScale, xs: Sequence[float]) -> str:
    """An axis that stands upright, with its name above."""
    x, gap = xs[index], xs[1] - xs[0]
    parts = [f'<line class="post" x1="{x:.0f}" x2="{x:.0f}" y1="{PARALLEL_TOP - 6}" y2="{PARALLEL_BOTTOM + 6}"/>']
    is_narrow = gap < NARROW_GAP
    room = int((2 if is_narrow else 1) * gap / CHARACTER_WIDTH) - 2
    higher = 14 if is_narrow and index % 2 else 0
    title = "" if key == name and len(name) <= room else f"<title>{escape(key)}</title>"
    parts.append(
        f'<text class="post-name middle" x="{x:.0f}" y="{PARALLEL_TOP - 14 - higher}">'
        f"{escape(shortened(name, room))}{title}</text>"
    )
    side, css = (8, "tick") if x == xs[-1] else (-8, "tick end")
    most = 12 if index == 0 else max(int(gap / CHARACTER_WIDTH) - 2, 4)
    for y, text in scale.ticks(6):
        parts.append(f'<line class="post" x1="{x - 3:.0f}" x2="{x + 3:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(text_mark(x + side, y + 3.5, text, css, most))
    return "".join(parts)


def slice_charts(record: SweepRecord) -> list[str]:
    """A scatter of the first objective over each parameter; pruned trials as ticks at its foot."""
    trials = usable(record)
    if len(trials) < 2:
        return []
    objective = record.objectives[0]
    y = value_scale([first_value(trial) for trial in trials], objective.sign, SLICE_BOTTOM, SLICE_TOP)
    best = {trial.number for trial in leaders(record)}
    found = []
    for axis in param_axes(record, SLICE_LEFT, SLICE_RIGHT):
        frame = Frame(axis.scale, y)
        body = [axes(frame, "")]
        for trial in sorted(record.trials, key=lambda trial: trial.number in best):
            x = axis.pixel(trial)
            if x is None:
                continue
            x += _sideways(axis, trial)
            name = trial_title(record, trial)
            if trial.state == PRUNED:
                body.append(
                    f'<path class="foot" d="M{x:.1f} {SLICE_BOTTOM}v-7"><title>{escape_lines(name)}</title></path>'
                )
            elif trial.state == COMPLETE and trial in trials:
                pixel, is_outside = clamped(y, first_value(trial))
                css = "winner" if trial.number in best else COMPLETE
                body.append(point(x, pixel, css, name, is_outside, 4.5 if trial.number in best else 3))
        summary = f"{objective.metric} over {axis.key}"
        found.append(figure(axis.name, [], body, summary, frame, "chart slice"))
    return found


def _sideways(axis: ParamAxis, trial: TrialRecord) -> float:
    """Pixels by which a trial leaves the middle of its name's band, always the same for the same trial."""
    if not isinstance(axis.scale, Categories):
        return 0.0
    return (trial.number * GOLDEN % 1.0 - 0.5) * min(axis.scale.band * 0.5, 40.0)
