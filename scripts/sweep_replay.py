"""Sweeps over recorded learning curves: real ones, in any order, in milliseconds."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ERRORS = ("traffic",)
"""Recordings whose scores are the better the smaller they are."""
CURVES = Path(__file__).resolve().parent / "curves"
NEAR = 0.01
"""As near as this share to the best of all is near enough."""


@dataclass(frozen=True)
class Recorded:
    """What tiny trainings of one kind have scored, epoch by epoch.

    Attributes:
        curves: of each configuration, every epoch's score, made so that more is better.
    """

    name: str
    curves: tuple[tuple[float, ...], ...]

    @property
    def epochs(self) -> int:
        """Of a whole run."""
        return len(self.curves[0])

    @property
    def goal(self) -> float:
        """A score within 1 % of the best of all; a run's score is that of its best epoch, whose weights it keeps."""
        best = max(max(curve) for curve in self.curves)
        return best - NEAR * abs(best)

    def shortened(self, epochs: int) -> Recorded:
        """The same, every run ended after so many epochs."""
        return Recorded(f"{self.name}, {epochs} epochs", tuple(curve[:epochs] for curve in self.curves))


@dataclass
class Course:
    """How one sweep went.

    Attributes:
        spent: epochs of all runs together.
        to_complete: those spent when a complete run was within 1 % of the best; infinite if that never was.
        to_any: the same of any run, pruned ones included.
        best: score of the best complete run.
    """

    spent: int = 0
    to_complete: float = math.inf
    to_any: float = math.inf
    best: float = -math.inf


@dataclass
class _Run:
    trial: Any
    curve: tuple[float, ...]
    scores: list[float] = field(default_factory=list)


def recorded(name: str) -> Recorded:
    """The recording called `name`, as scripts/record_curves.py wrote it."""
    with (CURVES / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = [key for key in rows[0] if key.isdigit()]
    sign = -1 if name in ERRORS else 1
    return Recorded(name, tuple(tuple(sign * float(row[epoch]) for epoch in epochs) for row in rows))


def replay(known: Recorded, pruner: Any, places: int, seed: int) -> Course:
    """A sweep over all configurations in random order; every place trains one epoch at a time."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", pruner=pruner, sampler=optuna.samplers.RandomSampler(seed))
    waiting = list(known.curves)
    random.Random(seed).shuffle(waiting)
    running: list[_Run] = []
    course = Course()
    while waiting or running:
        while waiting and len(running) < places:
            running.append(_Run(study.ask(), waiting.pop()))
        for run in list(running):
            if _goes_on(run, known, course):
                continue
            running.remove(run)
            is_complete = len(run.scores) == known.epochs
            study.tell(run.trial, max(run.scores) if is_complete else None, _state(is_complete))
    return course


def _goes_on(run: _Run, known: Recorded, course: Course) -> bool:
    """One epoch more; whether another follows."""
    run.scores.append(run.curve[len(run.scores)])
    course.spent += 1
    reached, is_complete = max(run.scores) >= known.goal, len(run.scores) == known.epochs
    if reached:
        course.to_any = min(course.to_any, course.spent)
    run.trial.report(run.scores[-1], len(run.scores))
    if not is_complete:
        return not run.trial.should_prune()
    course.best = max(course.best, max(run.scores))
    if reached:
        course.to_complete = min(course.to_complete, course.spent)
    return False


def _state(is_complete: bool) -> Any:
    from optuna.trial import TrialState

    return TrialState.COMPLETE if is_complete else TrialState.PRUNED


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper one; infinite where so many never came."""
    ordered = sorted(values)
    return tuple(ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in (0.25, 0.5, 0.75))  # type: ignore[return-value]


def show(known: Recorded, orders: int, places: int, pruners: dict[str, Any]) -> None:
    """A table: epochs spent until the best is within 1 %, of sweeps in so many random orders.

    Args:
        pruners: by name, a function from a run's number of epochs to a pruner; others are compared to the first.
    """
    near = sum(max(curve) >= known.goal for curve in known.curves)
    print(
        f"\n{known.name}: {len(known.curves)} configurations of {known.epochs} epochs, {near} within {NEAR:.0%} of the "
        f"best; {places} places, {orders} orders"
    )
    print(f"{'pruner':10} {'to the goal (quartiles)':24} reached  a success  any run  in all  fewer: a success  in all")
    plain = None
    for name, build in pruners.items():
        row = Row.of([replay(known, build(known.epochs), places, seed) for seed in range(orders)])
        plain = plain or row
        print(
            f"{name:10} {row.text()} {plain.expected / row.expected:14.1f} × {plain.spent / row.spent:6.1f} ×",
            flush=True,
        )


@dataclass(frozen=True)
class Row:
    """What courses come to.

    Attributes:
        quarters: quartiles of the epochs until a complete run is within 1 % of the best.
        share: of the sweeps in which one ever is.
        expected: epochs a success, those of sweeps without one counted in: what it takes who begins anew then.
        to_any: median of the epochs until any run is as good, pruned ones included.
        spent: median of all epochs.
    """

    quarters: tuple[float, float, float]
    share: float
    expected: float
    to_any: float
    spent: float

    @classmethod
    def of(cls, courses: Sequence[Course]) -> Row:
        """Those of a number of sweeps."""
        found = [course for course in courses if math.isfinite(course.to_complete)]
        used = sum(min(course.to_complete, course.spent) for course in courses)
        return cls(
            quartiles([course.to_complete for course in courses]),
            len(found) / len(courses),
            used / len(found) if found else math.inf,
            quartiles([course.to_any for course in courses])[1],
            quartiles([course.spent for course in courses])[1],
        )

    def text(self) -> str:
        """As a line of a table."""
        low, middle, high = self.quarters
        quarters = f"{middle:.0f} ({low:.0f} to {high:.0f})"
        return f"{quarters:24} {self.share:7.0%} {self.expected:10.0f} {self.to_any:8.0f} {self.spent:7.0f}"
