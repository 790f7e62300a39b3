"""Charts of a sweep over its trials: history, learning curves, frontier."""

from __future__ import annotations

import math
from collections.abc import Sequence

from plx_train.ground.markup import escape_lines
from plx_train.report.axes import HEIGHT, TOP, WIDTH, CountScale, Frame, Scale, axes, number_text
from plx_train.report.charts import thin_out
from plx_train.report.figure import EDGE, LegendItem, figure, path_data
from plx_train.sweep.record import COMPLETE, FAILED, PRUNED, RUNNING, SweepRecord, TrialRecord
from plx_train.sweep.shown.ranking import best_so_far, first_value, leaders, usable
from plx_train.sweep.shown.wording import trial_title

WIDE, LEFT, BOTTOM_PIXEL = 976, 60, HEIGHT - 30
FENCE = 2.5
"""Values that are worse than the worse quartile by more than this many interquartile ranges run out of the chart."""
MOST_CURVE_POINTS, MOST_HOVER_POINTS = 120, 1200
MANY_TRIALS = 120
"""Number of trials above which points are smaller."""


def value_scale(values: Sequence[float], sign: int, pixel_low: float, pixel_high: float, fence: float = FENCE) -> Scale:
    """An axis of an objective that shows the good values well: very bad ones lie outside.

    Args:
        values: at least one, finite.
        sign: 1 where more is better, else -1.
        pixel_low: of the lower end.
        pixel_high: of the upper end.
        fence: interquartile ranges below the worse quartile where outside begins.
    """
    ordered = sorted(sign * value for value in values)
    lower, upper = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    inside = [value for value in ordered if value >= lower - fence * (upper - lower)] if upper > lower else ordered
    gap = 0.08 * (inside[-1] - inside[0]) or 0.05 * abs(inside[0]) or 1.0
    ends = sorted((sign * (inside[0] - gap), sign * (inside[-1] + gap)))
    return Scale(ends[0], ends[1], pixel_low, pixel_high)


def clamped(scale: Scale, value: float) -> tuple[float, bool]:
    """Pixel of a value, at the edge where it lies outside, and whether it does."""
    inside = min(max(value, scale.low), scale.high)
    return scale(inside), inside != value


def point(x: float, y: float, css: str, name: str, is_outside: bool = False, radius: float = 3.5) -> str:
    """A trial in a chart; a triangle at the edge where it lies outside."""
    title = f"<title>{escape_lines(name)}</title>"
    if is_outside:
        y, tip = (y - 9, 7) if y > HEIGHT / 2 else (y + 9, -7)
        return f'<path class="spot {css}" d="M{x - 4:.1f} {y:.1f}h8l-4 {tip}z">{title}</path>'
    return f'<circle class="spot {css}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}">{title}</circle>'


def history_chart(record: SweepRecord) -> str:
    """Value of each trial in order, and the best so far; nothing where no trial came to a value."""
    reached = {trial.number: value for trial in record.trials if (value := _reached(trial)) is not None}
    done = [first_value(trial) for trial in usable(record)]
    if not reached:
        return ""
    objective = record.objectives[0]
    # Trials that were pruned early would push the others together.
    y = value_scale(done or list(reached.values()), objective.sign, BOTTOM_PIXEL, TOP)
    last = max(trial.number for trial in record.trials)
    frame = Frame(CountScale(-0.7, last + 0.7, LEFT, WIDE - EDGE), y)
    radius = 2.4 if len(record.trials) > MANY_TRIALS else 3.5
    best = {trial.number for trial in leaders(record)}
    body = [axes(frame, "trial", objective.metric), _best_line(record, frame, last)]
    late, crosses = [], []
    for trial in record.trials:
        x, name = frame.x(trial.number), trial_title(record, trial)
        if trial.state == FAILED:
            crosses.append(_cross(x, BOTTOM_PIXEL - 7, name))
        elif trial.number in reached:
            pixel, is_outside = clamped(y, reached[trial.number])
            late.append(_error_bar(record, trial, x, y) if trial.number in best or not is_outside else "")
            css = "winner" if trial.number in best else trial.state
            late.append(point(x, pixel, css, name, is_outside, radius + 1.5 * (trial.number in best)))
    found = best_so_far(record)
    summary = f"best {number_text(found[-1][1])} after {len(record.trials)} trials" if found else "no complete trial"
    return figure("Value of each trial", _legend(record), [*body, *late, *crosses], summary, frame, "chart wide")


def _reached(trial: TrialRecord) -> float | None:
    """The value of a trial, or the last one on its way; None where there is none."""
    value = trial.values[0] if trial.values else trial.curve[-1][1] if trial.curve else math.nan
    return value if math.isfinite(value) and trial.state in (COMPLETE, PRUNED, RUNNING) else None


def _best_line(record: SweepRecord, frame: Frame, last: int) -> str:
    found = best_so_far(record)
    if not found:
        return ""
    pixels: list[tuple[float, float]] = []
    for number, value in found:
        x, y = frame.x(number), frame.y(value)
        pixels += [(x, pixels[-1][1]), (x, y)] if pixels else [(x, y)]
    pixels.append((frame.x(last), pixels[-1][1]))
    return f'<path class="line so-far" d="{path_data(pixels)}"/>'


def _error_bar(record: SweepRecord, trial: TrialRecord, x: float, scale: Scale) -> str:
    if record.seeds < 2 or not trial.values or not trial.spreads or not trial.spreads[0]:
        return ""
    low, high = (clamped(scale, trial.values[0] + side * trial.spreads[0])[0] for side in (-1, 1))
    return f'<line class="spread" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'


def _cross(x: float, y: float, name: str) -> str:
    arms = f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"
    return f'<path class="cross" d="{arms}"><title>{escape_lines(name)}</title></path>'


def _legend(record: SweepRecord, has_line: bool = True) -> list[LegendItem]:
    """The marks of those states that occur."""
    states = {trial.state for trial in record.trials}
    found = [LegendItem("key-best", "best" if len(record.objectives) == 1 else "frontier")] if leaders(record) else []
    found += [LegendItem("key-line", "best so far")] if leaders(record) and has_line else []
    found += [LegendItem(f"key-{state}", state) for state in (COMPLETE, RUNNING, PRUNED, FAILED) if state in states]
    return found


def curves_chart(record: SweepRecord, is_wide: bool = False) -> str:
    """The first objective at each evaluation of every trial."""
    curves = [(trial, [point for point in trial.curve if math.isfinite(point[1])]) for trial in record.trials]
    curves = [(trial, points) for trial, points in curves if len(points) > 1]
    if not curves:
        return ""
    objective = record.objectives[0]
    steps = [step for _, points in curves for step, _ in points]
    ordered = sorted(objective.sign * value for _, points in curves for _, value in points)
    # The first evaluations are far below the rest, and tell little.
    ends = sorted(objective.sign * end for end in (ordered[len(ordered) // 12], ordered[-1]))
    gap = 0.06 * (ends[1] - ends[0]) or 0.1 * abs(ends[0]) or 1.0
    right = (WIDE if is_wide else WIDTH) - EDGE
    x = CountScale(min(steps), max(max(steps), min(steps) + 1), LEFT, right)
    frame = Frame(x, Scale(ends[0] - gap, ends[1] + gap, BOTTOM_PIXEL, TOP))
    best = {trial.number for trial in leaders(record)}
    order = {PRUNED: 0, FAILED: 0, RUNNING: 1, COMPLETE: 2}
    curves.sort(key=lambda item: (item[0].number in best, order.get(item[0].state, 0), item[0].number))
    body = [axes(frame, "step", objective.metric)]
    hover = sum(len(points) for _, points in curves) <= MOST_HOVER_POINTS
    for trial, points in curves:
        css = "winner" if trial.number in best else trial.state
        thin = thin_out(points, MOST_CURVE_POINTS)
        data = path_data([(frame.x(step), frame.y(value)) for step, value in thin])
        body.append(
            f'<path class="curve {css}" d="{data}"><title>{escape_lines(trial_title(record, trial))}</title></path>'
        )
        if hover or trial.number in best:
            body += [_hit(trial, step, value, frame) for step, value in thin]
    summary = f"{len(curves)} learning curves"
    css = "chart wide" if is_wide else "chart"
    return figure("Learning curves", _legend(record, has_line=False), body, summary, frame, css)


def _hit(trial: TrialRecord, step: float, value: float, frame: Frame) -> str:
    name = f"trial {trial.number}, step {number_text(step)}: {value:.6g}"
    return (
        f'<circle class="hit s0" cx="{frame.x(step):.1f}" cy="{frame.y(value):.1f}" r="4">'
        f"<title>{escape_lines(name)}</title></circle>"
    )


def frontier_chart(record: SweepRecord) -> str:
    """Both objectives of every complete trial, and the frontier; nothing unless there are two objectives."""
    trials = usable(record)
    if len(record.objectives) != 2 or not trials:
        return ""
    first, second = record.objectives
    xs, ys = ([trial.values[index] for trial in trials if trial.values] for index in (0, 1))
    x = value_scale(xs, first.sign, LEFT, WIDE - EDGE, math.inf)
    y = value_scale(ys, second.sign, BOTTOM_PIXEL + 60, TOP, math.inf)
    frame = Frame(x, y)
    words = {1: "more is better", -1: "less is better"}
    body = [axes(frame, f"{first.metric}, {words[first.sign]}", f"{second.metric}, {words[second.sign]}")]
    leading = {trial.number for trial in leaders(record)}
    body.append(_stairs(record, frame))
    for trial in sorted(trials, key=lambda trial: trial.number in leading):
        assert trial.values is not None
        (px, out_x), (py, out_y) = clamped(x, trial.values[0]), clamped(y, trial.values[1])
        body.append(_crossed_bars(record, trial, x, y))
        css = "winner" if trial.number in leading else COMPLETE
        body.append(point(px, py, css, trial_title(record, trial), out_x or out_y, 5 if trial.number in leading else 4))
        if trial.number in leading:
            side = "end" if px > WIDE - 90 else ""
            shift = -9 if side else 9
            body.append(f'<text class="best {side}" x="{px + shift:.1f}" y="{py - 8:.1f}">{trial.number:d}</text>')
    legend = [LegendItem("key-best", "frontier, with the trial's number"), LegendItem("key-complete", "complete")]
    summary = f"{len(leading)} of {len(trials)} trials on the frontier"
    return figure("Frontier", legend, body, summary, frame, "chart wide")


def _stairs(record: SweepRecord, frame: Frame) -> str:
    """The edge of what the frontier surpasses."""
    pixels: list[tuple[float, float]] = []
    for trial in leaders(record):
        if trial.values and all(map(math.isfinite, trial.values)):
            x, y = frame.x(trial.values[0]), frame.y(trial.values[1])
            # Between two neighbours lies the worse of both in each objective.
            pixels += [(x, pixels[-1][1]), (x, y)] if pixels else [(x, y)]
    return f'<path class="line stairs" d="{path_data(pixels)}"/>' if len(pixels) > 1 else ""


def _crossed_bars(record: SweepRecord, trial: TrialRecord, x: Scale, y: Scale) -> str:
    if record.seeds < 2 or not trial.spreads or not trial.values:
        return ""
    (vx, vy), (sx, sy) = trial.values[:2], trial.spreads[:2]
    px, py = clamped(x, vx)[0], clamped(y, vy)[0]
    x1, x2, y1, y2 = clamped(x, vx - sx)[0], clamped(x, vx + sx)[0], clamped(y, vy - sy)[0], clamped(y, vy + sy)[0]
    return f'<path class="spread" d="M{x1:.1f} {py:.1f}H{x2:.1f}M{px:.1f} {y1:.1f}V{y2:.1f}"/>'
