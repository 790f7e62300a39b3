"""What a sweep cost: how long it took, how busy its slots were, and what pruning saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from plx_train.sweep.record import PRUNED, SweepRecord, TrialRecord

INTERRUPTION_SECONDS = 30.0
"""A pause of all slots at least this long is an interruption of the sweep; shorter ones are what it takes to start."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Utilisation:
    """How the time between a sweep's first start and its last end was used.

    Attributes:
        start: of the first process, in seconds since 1970.
        end: of the last one.
        interruptions: (start, end) of each.
        busy_by_slot: seconds in which a process ran, by slot.
    """

    start: float
    end: float
    interruptions: tuple[Span, ...]
    busy_by_slot: dict[str, float]

    @property
    def wall_seconds(self) -> float:
        """Seconds from first start to last end, interruptions included."""
        return self.end - self.start

    @property
    def open_seconds(self) -> float:
        """The same without interruptions: what each slot could have been busy."""
        return self.wall_seconds - _total(self.interruptions)

    @property
    def busy_share(self) -> float:
        """Busy share of all slots' open time, 0 to 1."""
        offered = self.open_seconds * len(self.busy_by_slot)
        return sum(self.busy_by_slot.values()) / offered if offered > 0 else 0.0

    @property
    def idle_share(self) -> float:
        """What is not busy, 0 to 1."""
        return 1.0 - self.busy_share

    def idle_share_of(self, slot: str) -> float:
        """Idle share of one slot's open time, 0 to 1."""
        return 1.0 - self.busy_by_slot[slot] / self.open_seconds if self.open_seconds > 0 else 0.0


@dataclass(frozen=True)
class Savings:
    """What pruning saved, in epochs.

    Attributes:
        saved: planned minus spent, of pruned trials.
        spent: by all trials.
        num_trials: pruned ones that this counts.
        num_unknown: pruned ones whose plan is unknown, which it doesn't count.
    """

    saved: float
    spent: float
    num_trials: int
    num_unknown: int

    @property
    def share(self) -> float:
        """Share saved of what the sweep would have spent without pruning, 0 to 1."""
        return self.saved / (self.saved + self.spent) if self.saved else 0.0


def utilisation(record: SweepRecord, now: float) -> Utilisation | None:
    """How busy the slots were from the first start of a process to the last end; None before anything has started.

    A slot is busy while a process of a run lives in it, from its start to its end, importing and saving included.
    Time in which no process lives in any slot is an interruption if it lasts `INTERRUPTION_SECONDS` or more: the sweep
    itself was stopped, and that says nothing of its scheduling. All other time in which a slot has no process is idle:
    waiting for the next trial, before the slot's first run, and after its last one while others still run. Slots are
    those of the record and those that any run names; one that came late or left early counts from first to last.

    Args:
        record: the sweep.
        now: end of processes that still run, in seconds since 1970.
    """
    spans: dict[str, list[Span]] = {slot: [] for slot in record.slots}
    for trial in record.trials:
        for job in trial.jobs:
            spans.setdefault(job.slot, []).extend(closed_spans(job.spans, now))
    busy = {slot: merged(of_slot) for slot, of_slot in spans.items()}
    anywhere = merged(span for of_slot in spans.values() for span in of_slot)
    if not anywhere:
        return None
    pauses = [(before[1], after[0]) for before, after in pairwise(anywhere)]
    interruptions = tuple(pause for pause in pauses if pause[1] - pause[0] >= INTERRUPTION_SECONDS)
    seconds = {slot: _total(of_slot) for slot, of_slot in busy.items() if of_slot or slot in record.slots}
    return Utilisation(anywhere[0][0], anywhere[-1][1], interruptions, seconds)


def saved_by_pruning(record: SweepRecord) -> Savings:
    """Epochs that pruned trials were spared.

    Seeds that a pruned trial never started count with the plan of those that it did.
    """
    saved, unknown, counted = 0.0, 0, 0
    for trial in record.trials:
        if trial.state != PRUNED:
            continue
        plans = [job.planned_epochs for job in trial.jobs if job.planned_epochs is not None]
        if not plans or len(plans) < len(trial.jobs):
            unknown += 1
            continue
        unstarted = max(record.seeds - len(plans), 0)
        planned = sum(plans) + unstarted * sum(plans) / len(plans)
        saved, counted = saved + max(planned - spent_epochs(trial), 0.0), counted + 1
    return Savings(saved, sum(map(spent_epochs, record.trials)), counted, unknown)


def spent_epochs(trial: TrialRecord) -> float:
    """Epochs of all runs of a trial."""
    return sum(job.epochs for job in trial.jobs)


def spent_seconds(trial: TrialRecord, now: float) -> float:
    """Seconds in which processes of a trial lived, those of several seeds added up."""
    return sum(_total(closed_spans(job.spans, now)) for job in trial.jobs)


def closed_spans(spans: Sequence[tuple[float, float | None]], now: float) -> list[Span]:
    """`spans` with `now`, or their own start where that is later, as the end of those that go on."""
    return [(start, max(now if end is None else end, start)) for start, end in spans]


def merged(spans: Iterable[Span]) -> list[Span]:
    """`spans` in order, those that overlap or touch as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _total(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)
