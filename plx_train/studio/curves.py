"""What runs logged, read on from where it was read to last: a page that watches a long run costs it nothing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from plx_train.report.charts import line_chart
from plx_train.report.data import ChartSeries, metric_series
from plx_train.report.report import learning_charts
from plx_train.tracking.spool import read_entries

MOST_KEPT = 32
"""Runs whose records are kept in memory."""

Points = dict[str, list[tuple[int, float]]]


@dataclass
class _Read:
    """A record as far as it was read; another file in its place has another number."""

    number: int
    offset: int = 0
    points: Points = field(default_factory=dict)


class Curves:
    """The records of runs; safe to be asked from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, _Read] = OrderedDict()
        self._lock = threading.Lock()

    def points(self, spool: Path) -> Points:
        """(step, value) pairs by metric of the record at `spool`; nothing where none is."""
        with self._lock:
            try:
                state = spool.stat()
            except OSError:
                return {}
            kept = self._kept.pop(spool, None)
            if kept is None or kept.number != state.st_ino or kept.offset > state.st_size:
                kept = _Read(state.st_ino)
            self._kept[spool] = kept
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            _read_on(spool, kept)
            return {name: list(points) for name, points in kept.points.items()}

    def charts(self, spool: Path) -> list[str]:
        """A run so far, drawn: SVG texts, the loss first."""
        return learning_charts(metric_series(self.points(spool), ()))

    def compared(self, spools: dict[str, Path], metrics: list[str]) -> list[str]:
        """One drawing for each metric, with a line for each run by its name."""
        logged = {name: self.points(spool) for name, spool in spools.items()}
        drawn = [line_chart(metric, _lines(metric, logged)) for metric in metrics]
        return [chart for chart in drawn if chart]


def _read_on(spool: Path, kept: _Read) -> None:
    while True:
        entries, end = read_entries(spool, kept.offset)
        for entry in entries:
            if entry.kind == "metrics":
                for name, value in entry.content["values"].items():
                    kept.points.setdefault(name, []).append((entry.content["step"], value))
        if end == kept.offset:
            return
        kept.offset = end


def _lines(metric: str, logged: dict[str, Points]) -> list[ChartSeries]:
    found = []
    for name, points in logged.items():
        if values := sorted(dict(points.get(metric, ())).items()):
            steps, heights = zip(*values, strict=True)
            is_loss = metric.startswith("train/")
            found.append(ChartSeries(name, steps, heights, metric, is_noisy=is_loss, is_sparse=not is_loss))
    return found
