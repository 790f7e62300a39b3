"""What more labels bring: the first objective over the number of labelled samples."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from plx_train.ground.markup import escape_lines
from plx_train.report.axes import TOP, Frame, LogScale, axes, number_text
from plx_train.report.charts import NUM_COLOURS
from plx_train.report.figure import EDGE, LegendItem, figure, mark, path_data
from plx_train.sweep.record import LABELLED, SweepRecord, TrialRecord
from plx_train.sweep.shown.charts import BOTTOM_PIXEL, LEFT, WIDE, clamped, value_scale
from plx_train.sweep.shown.ranking import usable
from plx_train.sweep.shown.wording import param_text, short_keys, value_text

REPEATS = ("seed", "dataset.labelled_seed")
"""Parameters that say which draw a run is of: runs that differ in nothing else make one point."""
ROOM = 34
"""Pixels between two ticks."""


@dataclass(frozen=True)
class LabelScale(LogScale):
    """A logarithmic axis with ticks at the numbers that occur."""

    numbers: tuple[float, ...] = ()

    def ticks(self, most: int) -> list[tuple[float, str]]:
        found: list[tuple[float, str]] = []
        for number in self.numbers:
            if not found or self(number) - found[-1][0] >= ROOM:
                found.append((self(number), number_text(number)))
        return found


@dataclass(frozen=True)
class LabelPoint:
    """Runs of one portion of the labels.

    Attributes:
        portion: as the command said it.
        number: labelled samples, mean over the runs.
        values: of the first objective, one a run.
        labelled: samples of each.
    """

    portion: str
    number: float
    values: tuple[float, ...]
    labelled: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Over the runs."""
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float:
        """Standard deviation over the runs (n - 1); 0 of one alone."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0


def label_lines(record: SweepRecord) -> dict[str, list[LabelPoint]]:
    """The points of each line by its name, fewest labels first; a line for each setting of what else varies."""
    names = short_keys(record.space)
    runs: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for trial in usable(record):
        others = [f"{names[key]}={param_text(trial.params[key])}" for key in _others(record) if key in trial.params]
        portion = param_text(trial.params[LABELLED]) if LABELLED in trial.params else ""
        runs.setdefault(", ".join(others), {}).setdefault(portion, []).extend(_runs(trial))
    return {
        name: sorted((_point(portion, found) for portion, found in by.items() if found), key=lambda one: one.number)
        for name, by in runs.items()
    }


def _others(record: SweepRecord) -> list[str]:
    return [key for key in record.space if key != LABELLED and key not in REPEATS]


def _runs(trial: TrialRecord) -> list[tuple[int, float]]:
    """(labelled samples, value) of each run that has both."""
    return [
        (job.labelled, job.values[0])
        for job in trial.jobs
        if job.labelled and job.values is not None and math.isfinite(job.values[0])
    ]


def _point(portion: str, found: list[tuple[int, float]]) -> LabelPoint:
    labelled, values = zip(*found, strict=True)
    return LabelPoint(portion, statistics.fmean(labelled), values, labelled)


def label_curve_chart(record: SweepRecord) -> str:
    """The curve of each line; nothing unless the number of labels varies, and few things beside it."""
    if LABELLED not in record.space:
        return ""
    lines = {name: points for name, points in label_lines(record).items() if points}
    numbers = sorted({point.number for points in lines.values() for point in points})
    if len(numbers) < 2 or len(lines) > NUM_COLOURS:
        return ""
    objective, points = record.objectives[0], [point for found in lines.values() for point in found]
    ends = [point.mean + side * point.spread for point in points for side in (-1, 0, 1)]
    y = value_scale([*ends, *(value for point in points for value in point.values)], objective.sign, BOTTOM_PIXEL, TOP)
    x = LabelScale(numbers[0] / 1.15, numbers[-1] * 1.15, LEFT, WIDE - EDGE, tuple(numbers))
    frame = Frame(x, y)
    body = [axes(frame, "labelled samples", objective.metric)]
    legend = []
    for index, (name, found) in enumerate(lines.items()):
        body += [_band(found, frame, index), _line(found, frame, index)]
        last = found[-1]
        legend.append(LegendItem(index, name or objective.metric, f"{_text(last)} at {number_text(last.number)}"))
    summary = "; ".join(f"{_text(point)} at {number_text(point.number)} labels" for point in points)
    return figure("What more labels bring", legend, body, summary, frame, "chart wide")


def _text(point: LabelPoint) -> str:
    return value_text(point.mean, point.spread if len(point.values) > 1 else None)


def _band(points: list[LabelPoint], frame: Frame, index: int) -> str:
    if not any(point.spread for point in points):
        return ""
    above, below = (
        [(frame.x(one.number), clamped(frame.y, one.mean + side * one.spread)[0]) for one in points]  # type: ignore[arg-type]
        for side in (1, -1)
    )
    return f'<path class="band s{index}" d="{path_data([*above, *reversed(below)])}Z"/>'


def _line(points: list[LabelPoint], frame: Frame, index: int) -> str:
    pixels = [(frame.x(one.number), frame.y(one.mean)) for one in points]
    parts = [f'<path class="line s{index}" d="{path_data(pixels)}"/>']
    for one in points:
        for number, value in zip(one.labelled, one.values, strict=True) if len(one.values) > 1 else ():
            title = escape_lines(f"{number} labels: {value:.6g}")
            parts.append(
                f'<circle class="run s{index}" cx="{frame.x(number):.1f}" cy="{frame.y(value):.1f}" r="2.5">'
                f"<title>{title}</title></circle>"
            )
    parts += [
        mark(px, py, index, f"{one.portion}, {number_text(one.number)} labels: {_text(one)}, {len(one.values)} runs")
        for (px, py), one in zip(pixels, points, strict=True)
    ]
    return "".join(parts)
