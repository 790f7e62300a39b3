"""How long a sweep with many trials takes to decide: over a report, and over what comes after a run's end."""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from random import Random
from typing import Any

from plx_train.sweep.sweeper import Sweeper

SAMPLER = ("infer_relative_search_space", "sample_relative", "sample_independent", "before_trial", "after_trial")
"""What Optuna asks of a sampler."""
KINDS = (("random", "none"), ("tpe", "none"), ("tpe", "asha"))
"""Samplers with pruners."""
EPOCHS, PLACES, EPOCH_SECONDS = 9, 2, 0.01
TRIALS = 20
"""That are worked on beside those that are there."""


@dataclass(frozen=True)
class Decision:
    """What a decision took, in seconds.

    Attributes:
        own: of the processor's time, what is the sweep's.
        sampler: of the processor's time, what is Optuna's sampler's.
        disk: by the clock, what was waited for the disk.
        seconds: by the clock, all of it.
    """

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
        return found, Decision(busy - sampler, sampler, disk, clock)

    def _clocks(self) -> tuple[float, ...]:
        return time.thread_time(), self._sampler.seconds, self._disk.seconds, time.perf_counter()

    def _look(self) -> None:
        num_before, before = len(self._ends), self._disk.seconds
        super()._look()
        if len(self._ends) > num_before:
            # What an end has written waits for the disk when all of it is there.
            end, waited = self._ends.pop(), self._disk.seconds - before
            self._ends.append(replace(end, disk=waited, seconds=end.seconds - end.disk + waited))

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
            self.chosen.append(Decision(*sums))
        if self._is_started or not goes_on:
            self._asked = []
        return bool(goes_on)

    def _start(self, live: Any, job: Any) -> bool:
        self._is_started = True
        return super()._start(live, job)


def filled(space: Any, count: int, curve: Callable[[dict[str, Any], int], float]) -> list[Any]:
    """So many finished trials, two of three of them pruned after a third of their evaluations."""
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
    from optuna.trial import TrialState, create_trial

    from plx_train.sweep.study import JOBS, VALUES

    distributions: dict[str, BaseDistribution] = {
        one.name: CategoricalDistribution(one.choices)
        if one.choices
        else FloatDistribution(one.low, one.high, log=one.is_log)
        for one in space.parameters
    }
    made = []
    for number in range(count):
        source = Random(number)
        values = space.values(lambda parameter, source=source: parameter.draw(source))
        is_pruned = number % 3 != 0
        scores = {at: curve(values, at) for at in range(1, 1 + (EPOCHS // 3 if is_pruned else EPOCHS))}
        made.append(
            create_trial(
                state=TrialState.PRUNED if is_pruned else TrialState.COMPLETE,
                value=scores[max(scores)],
                params=values,
                distributions=distributions,
                user_attrs={VALUES: values, JOBS: []},
                intermediate_values=scores,
            )
        )
    return made


def shown(name: str, count: int, decisions: list[Decision]) -> str:
    """A row: medians in ms, and the longest of all."""
    parts = ("own", "sampler", "disk", "seconds")
    medians = [1000 * statistics.median(getattr(one, part) for one in decisions) for part in parts]
    figures = " | ".join(f"{median:.1f}" for median in medians)
    longest = 1000 * max(one.seconds for one in decisions)
    return f"| {name} | {count} | {figures} | {longest:.0f} | {len(decisions)} |"
