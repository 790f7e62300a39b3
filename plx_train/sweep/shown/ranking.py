"""Which trials are better than which, and whether the difference means anything."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace

from plx_train.sweep.record import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, SweepRecord, TrialRecord

ORDER_OF_STATES = (COMPLETE, RUNNING, PRUNED, FAILED, WAITING)


def usable(record: SweepRecord) -> tuple[TrialRecord, ...]:
    """Complete trials whose values are all finite, by number."""
    return tuple(trial for trial in record.complete if all(map(math.isfinite, trial.values or ())))


def first_value(trial: TrialRecord) -> float:
    """Value of the first objective of a complete trial."""
    assert trial.values is not None
    return trial.values[0]


def leaders(record: SweepRecord) -> tuple[TrialRecord, ...]:
    """`SweepRecord.best` of the usable trials: the best one, or the frontier, best in the first objective first."""
    trials = usable(record)
    if len(record.objectives) > 1:
        return replace(record, trials=trials).best
    sign = record.objectives[0].sign
    return (min(trials, key=lambda trial: (-sign * first_value(trial), trial.number)),) if trials else ()


def ranked(record: SweepRecord) -> tuple[TrialRecord, ...]:
    """All trials: complete ones, best first, then running, pruned, failed and waiting ones.

    With several objectives the frontier leads, and within it, as after it, the first objective decides. Pruned trials
    are ordered by the last value they came to.
    """
    sign = record.objectives[0].sign
    leading = {trial.number for trial in leaders(record)}

    def key(trial: TrialRecord) -> tuple[int, bool, float, int]:
        value = trial.values[0] if trial.values else trial.curve[-1][1] if trial.curve else math.nan
        rank = -sign * value if math.isfinite(value) else math.inf
        return ORDER_OF_STATES.index(trial.state), trial.number not in leading, rank, trial.number

    return tuple(sorted(record.trials, key=key))


def best_so_far(record: SweepRecord) -> tuple[tuple[int, float], ...]:
    """(trial, best value of the first objective up to it) at each complete trial, by number."""
    found: list[tuple[int, float]] = []
    better = max if record.objectives[0].sign > 0 else min
    for trial in usable(record):
        value = first_value(trial)
        found.append((trial.number, better(found[-1][1], value) if found else value))
    return tuple(found)


def within_spread(record: SweepRecord) -> tuple[TrialRecord, ...]:
    """Trials as good as the best one by what its seeds differ, best first; empty with one seed or several objectives.

    A trial counts if the best mean exceeds its mean by no more than the best trial's standard deviation over seeds.
    """
    best = leaders(record)
    if record.seeds < 2 or len(record.objectives) > 1 or not best:
        return ()
    winner = best[0]
    sign, spread = record.objectives[0].sign, winner.spreads[0] if winner.spreads else 0.0
    others = [trial for trial in usable(record) if trial.number != winner.number]
    near = [trial for trial in others if sign * (first_value(winner) - first_value(trial)) <= spread]
    return tuple(sorted(near, key=lambda trial: (-sign * first_value(trial), trial.number)))


def gain_over_median(record: SweepRecord) -> float | None:
    """Gain of the best trial over the median of the complete ones; None with fewer than three."""
    values = [first_value(trial) for trial in usable(record)]
    if len(values) < 3:
        return None
    return record.objectives[0].sign * (first_value(leaders(record)[0]) - statistics.median(values))


def count_states(record: SweepRecord) -> dict[str, int]:
    """Trials by state, those that have not begun as waiting; states without any are left out."""
    counts = {state: sum(trial.state == state for trial in record.trials) for state in ORDER_OF_STATES}
    counts[WAITING] += max(record.num_trials - len(record.trials), 0)
    return {state: count for state, count in counts.items() if count}
