"""When which slot ran what: a row per slot, a bar per process."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.ground.markup import escape_lines
from plx_train.report.axes import nice_ticks, text_mark
from plx_train.report.figure import LegendItem
from plx_train.report.page import duration
from plx_train.sweep.record import COMPLETE, FAILED, PRUNED, RUNNING, SweepRecord, TrialRecord
from plx_train.sweep.shown.charts import WIDE
from plx_train.sweep.shown.effort import Span, Utilisation, closed_spans, utilisation
from plx_train.sweep.shown.ranking import leaders
from plx_train.sweep.shown.wording import trial_title

LEFT, RIGHT, TOP = 84, 76, 8
TALLEST_ROW, SHORTEST_ROW, MOST_HEIGHT = 30.0, 13.0, 420.0
BREAK_PIXELS, MOST_BREAK_PIXELS = 22.0, 300.0
"""Width of an interruption, however long it was; and of all together, where there are many."""
HATCH = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch-ground" width="6" height="6"/><line class="hatch-line" x1="0" x2="0" y1="0" y2="6"/>'
    "</pattern></defs>"
)
UNITS = ((60.0, "s"), (3600.0, "min"), (172800.0, "h"), (float("inf"), "d"))
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class OpenTime:
    """An axis of time in which interruptions have one small width.

    Attributes:
        start: of the axis, in seconds since 1970.
        interruptions: (start, end) of each, in order.
        pixels_per_second: outside of interruptions.
        break_pixels: width of each interruption.
    """

    start: float
    interruptions: tuple[Span, ...]
    pixels_per_second: float
    break_pixels: float = BREAK_PIXELS

    def __call__(self, time: float) -> float:
        pixel, since = float(LEFT), self.start
        for begin, end in self.interruptions:
            if time <= begin:
                break
            pixel += (begin - since) * self.pixels_per_second
            if time < end:
                return pixel + self.break_pixels * (time - begin) / (end - begin)
            pixel, since = pixel + self.break_pixels, end
        return pixel + (time - since) * self.pixels_per_second


def timeline_chart(record: SweepRecord, now: float) -> str:
    """Bars of all processes by slot, coloured by the state of their trials; nothing before anything has started.

    Args:
        record: the sweep.
        now: end of processes that still run, in seconds since 1970.
    """
    use = utilisation(record, now)
    if use is None:
        return ""
    slots = list(use.busy_by_slot)
    row = min(max(MOST_HEIGHT / len(slots), SHORTEST_ROW), TALLEST_ROW)
    pause = min(BREAK_PIXELS, MOST_BREAK_PIXELS / max(len(use.interruptions), 1))
    width = WIDE - LEFT - RIGHT - pause * len(use.interruptions)
    x = OpenTime(use.start, use.interruptions, width / max(use.open_seconds, 1e-9), pause)
    bottom = TOP + row * len(slots)
    parts = [HATCH, _ticks(use, x, bottom)]
    for index, slot in enumerate(slots):
        y = TOP + row * index
        parts.append(text_mark(LEFT - 8, y + row / 2 + 4, slot, "end", 12))
        idle = f"{use.idle_share_of(slot):.0%} idle"
        parts.append(text_mark(WIDE - RIGHT + 8, y + row / 2 + 4, idle, "label"))
        parts.append(
            f'<rect class="lane" x="{LEFT}" y="{y + 2:.1f}" width="{WIDE - LEFT - RIGHT}" height="{row - 4:.1f}"/>'
        )
    parts += [_break(one, x, bottom) for one in use.interruptions]
    best = {trial.number for trial in leaders(record)}
    for trial in record.trials:
        for job in trial.jobs:
            y = TOP + row * slots.index(job.slot) + 2
            for start, end in closed_spans(job.spans, now):
                css = "winner" if trial.number in best else trial.state
                parts.append(_bar(record, trial, (start, end), x, (y, row - 4), css))
    title = f"Slots: {use.busy_share:.0%} busy, {use.idle_share:.0%} idle"
    items = "".join(item.html() for item in _legend(record))
    return (
        f'<figure class="chart wide"><figcaption><h3>{title}</h3><ul class="legend">{items}</ul></figcaption>'
        f'<svg viewBox="0 0 {WIDE} {bottom + 32:.0f}" role="img"><title>{title}</title>{"".join(parts)}</svg></figure>'
    )


def _legend(record: SweepRecord) -> list[LegendItem]:
    states = {trial.state for trial in record.trials if trial.jobs}
    found = [LegendItem("key-best", "best" if len(record.objectives) == 1 else "frontier")] if leaders(record) else []
    return found + [
        LegendItem(f"key-{state}", state) for state in (COMPLETE, RUNNING, PRUNED, FAILED) if state in states
    ]


def _ticks(use: Utilisation, x: OpenTime, bottom: float) -> str:
    """Round numbers of open time."""
    unit = next(name for most, name in UNITS if use.open_seconds < 2 * most)
    parts = ['<g class="grid">']
    for value in nice_ticks(0.0, use.open_seconds / SECONDS[unit], 9):
        pixel = x(_time_of(value * SECONDS[unit], use))
        parts.append(f'<line x1="{pixel:.1f}" x2="{pixel:.1f}" y1="{TOP}" y2="{bottom + 4:.1f}"/>')
        parts.append(text_mark(pixel, bottom + 18, f"{value:g} {unit}", "middle"))
    return "".join([*parts, "</g>"])


def _time_of(seconds: float, use: Utilisation) -> float:
    """The moment after that much open time."""
    time = use.start + seconds
    for begin, end in use.interruptions:
        if time > begin:
            time += end - begin
    return time


def _break(interruption: Span, x: OpenTime, bottom: float) -> str:
    begin, end = interruption
    place = f'x="{x(begin):.1f}" y="{TOP - 4}" width="{x.break_pixels:.1f}" height="{bottom - TOP + 8:.1f}"'
    return f'<rect fill="url(#hatch)" {place}><title>interrupted for {duration(end - begin)}</title></rect>'


def _bar(record: SweepRecord, trial: TrialRecord, span: Span, x: OpenTime, place: tuple[float, float], css: str) -> str:
    left, right = x(span[0]), x(span[1])
    width = max(right - left - 0.6, 0.8)
    name = f"{trial_title(record, trial)}\nran {duration(span[1] - span[0])}"
    y, height = place
    bar = f'<rect class="job {css}" x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2">'
    text = str(trial.number)
    number = ""
    if width > 7 * len(text) + 4 and height > 12:
        number = (
            f'<text class="in-job middle {css}" x="{left + width / 2:.1f}" y="{y + height / 2 + 4:.1f}">{text}</text>'
        )
    return f"{bar}<title>{escape_lines(name)}</title></rect>{number}"
