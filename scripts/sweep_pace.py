"""How long a sweep takes to decide, by how many trials it has: over a report, and over what comes after a run's end."""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from plx_train.sweep.sweeper import Sweeper

SAMPLER = ("infer_relative_search_space", "sample_relative", "sample_independent", "before_trial", "after_trial")
"""What Optuna asks of a sampler."""
MARKS = (10, 100, 1000)
KINDS = (("random", "none"), ("tpe", "none"), ("tpe", "asha"))
"""Samplers with pruners."""
EPOCHS, PLACES, EPOCH_SECONDS = 9, 2, 0.01


@dataclass(frozen=True)
class Decision:
    """What a decision took after so many trials, in seconds.

    Attributes:
        own: of the processor's time, what is the sweep's.
        sampler: of the processor's time, what is Optuna's sampler's.
        disk: by the clock, what was waited for the disk.
        seconds: by the clock, all of it.
    """

    trial: int
    own: float
    sampler: float
    disk: float
    seconds: float


class _Stopwatch:
    """Adds up what functions take by a clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.seconds = clock, 0.0

    def on(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, with its time taken."""

        @wraps(function)
        def timed(*arguments: Any, **names: Any) -> Any:
            began = self.clock()
            try:
                return function(*arguments, **names)
            finally:
                self.seconds += self.clock() - began

        return timed


class PacedSweeper(Sweeper):
    """A sweeper that writes down how long it takes.

    Attributes:
        judged: what to do with a run that reported: it goes on, or is pruned.
        chosen: from the end of a run that was noticed to the start of the next: its trial told, another one chosen.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.judged: list[Decision] = []
        self.chosen: list[Decision] = []
        self._sampler, self._disk = _Stopwatch(time.thread_time), _Stopwatch(time.perf_counter)
        self._ends: deque[Decision] = deque()
        self._asked: list[Decision] = []
        self._newest = 0
        self._is_started = False

    def run(self) -> None:
        sampler, sync = self.study.study.sampler, os.fsync
        for name in SAMPLER:
            setattr(sampler, name, self._sampler.on(getattr(sampler, name)))
        os.fsync = self._disk.on(sync)
        try:
            super().run()
        finally:
            os.fsync = sync

    def _timed(self, work: Callable[[], Any]) -> tuple[Any, Decision]:
        before = self._clocks()
        found = work()
        busy, sampler, disk, clock = (late - early for early, late in zip(before, self._clocks(), strict=True))
        self._newest = max([self._newest, *(live.trial.number for live in self.live)])
        return found, Decision(self._newest, busy - sampler, sampler, disk, clock)

    def _clocks(self) -> tuple[float, ...]:
        return time.thread_time(), self._sampler.seconds, self._disk.seconds, time.perf_counter()

    def _judge(self, live: Any) -> None:
        num_before = live.num_reported
        _, took = self._timed(lambda: super(PacedSweeper, self)._judge(live))
        if live.num_reported > num_before:
            self.judged.append(took)

    def _count(self, live: Any, job: Any, ended: Any) -> None:
        _, took = self._timed(lambda: super(PacedSweeper, self)._count(live, job, ended))
        self._ends.append(took)

    def _start_one(self) -> bool:
        self._is_started = False
        goes_on, took = self._timed(super()._start_one)
        self._asked.append(took)
        if self._is_started and self._ends:
            parts = [self._ends.popleft(), *self._asked]
            sums = (sum(getattr(part, name) for part in parts) for name in ("own", "sampler", "disk", "seconds"))
            self.chosen.append(Decision(self._newest, *sums))
        if self._is_started or not goes_on:
            self._asked = []
        return bool(goes_on)

    def _start(self, live: Any, job: Any) -> bool:
        self._is_started = True
        return super()._start(live, job)


def shown(name: str, decisions: list[Decision], mark: int) -> str:
    """A row: medians in ms, and the longest of all, of decisions near the trial `mark`."""
    near = [one for one in decisions if 0.9 * mark <= one.trial + 1 <= 1.1 * mark]
    if not near:
        return f"| {name} | {mark} | none |"
    own, sampler, disk, all_of_it = (
        1000 * statistics.median(getattr(one, part) for one in near) for part in ("own", "sampler", "disk", "seconds")
    )
    longest = 1000 * max(one.seconds for one in near)
    return (
        f"| {name} | {mark} | {own:.1f} | {sampler:.1f} | {disk:.1f} | {all_of_it:.1f} | {longest:.0f} | {len(near)} |"
    )
