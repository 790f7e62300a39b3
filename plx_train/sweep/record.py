"""What is known of a sweep: plain data that the table, the report and MLflow's parent run are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LABELLED = "dataset.labelled"
"""What varies where a sweep draws a curve of labels."""
WAITING, RUNNING, COMPLETE, PRUNED, FAILED = "waiting", "running", "complete", "pruned", "failed"


@dataclass(frozen=True)
class Objective:
    """What is sought.

    Attributes:
        metric: name as in MLflow, for example ``val/hmean``.
        direction: maximize or minimize.
    """

    metric: str
    direction: str = "maximize"

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.direction == "maximize" else -1


@dataclass(frozen=True)
class Job:
    """One run of a trial: a process, or several one after the other where it was interrupted.

    Attributes:
        seed: of the run; None where the command's own seed holds.
        slot: where it ran, for example ``gpu:0`` or ``cpu:1``, behind the name of the machine where there are several.
        spans: (start, end) of each process in seconds since 1970; the end is None while it runs.
        folder: of the run.
        run_id: MLflow's.
        values: of the objectives; None before the end, and where it failed.
        steps: optimizer steps that it took, or has taken so far.
        epochs: the same in passes over the training samples.
        planned_epochs: it would have taken, had nothing ended it early; None where that is unknown.
        labelled: samples that it learned from with their labels; None where that is unknown, or does not vary.
    """

    seed: int | None
    slot: str
    spans: tuple[tuple[float, float | None], ...]
    folder: Path
    run_id: str | None = None
    values: tuple[float, ...] | None = None
    steps: int = 0
    epochs: float = 0.0
    planned_epochs: float | None = None
    labelled: int | None = None


@dataclass(frozen=True)
class TrialRecord:
    """One configuration.

    Attributes:
        number: from 0.
        state: waiting, running, complete, pruned or failed.
        params: value of each parameter that varies, by key.
        values: of the objectives, means over seeds; None unless it is complete.
        spreads: standard deviations over seeds (n - 1); zeros with one seed.
        curve: (step, value) of the first objective at each evaluation of the first seed.
        reason: why it was pruned or failed, in words.
        jobs: its runs, by seed.
        command: what repeats it as a single run.
    """

    number: int
    state: str
    params: dict[str, Any]
    values: tuple[float, ...] | None = None
    spreads: tuple[float, ...] | None = None
    curve: tuple[tuple[int, float], ...] = ()
    reason: str | None = None
    jobs: tuple[Job, ...] = ()
    command: str = ""


@dataclass(frozen=True)
class SweepRecord:
    """A sweep, finished or not.

    Attributes:
        sweep_id: by which commands name it.
        folder: of the sweep; the runs are in ``trials/``.
        command: what starts it, and goes on with it.
        sampler: grid, random, tpe, gp or cmaes.
        pruner: none, median, asha or hyperband.
        objectives: the first decides, unless there are several.
        space: a distribution of Optuna's for each parameter that varies, in the order of the command.
        trials: by number.
        num_trials: that were asked for.
        slots: names of the places that runs are given.
        seeds: runs of each configuration.
        run_id: of the parent run in MLflow.
        notes: sentences for the reader: what failed, what was interrupted.
    """

    sweep_id: str
    folder: Path
    command: str
    sampler: str
    pruner: str
    objectives: tuple[Objective, ...]
    space: dict[str, Any]
    trials: tuple[TrialRecord, ...]
    num_trials: int
    slots: tuple[str, ...]
    seeds: int = 1
    run_id: str | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> tuple[TrialRecord, ...]:
        """Trials with values."""
        return tuple(trial for trial in self.trials if trial.state == COMPLETE and trial.values is not None)

    @property
    def best(self) -> tuple[TrialRecord, ...]:
        """The best trial, or, with several objectives, all that no other surpasses; best in the first one first."""
        sign, complete = self.objectives[0].sign, self.complete
        ordered = sorted(complete, key=lambda trial: (-sign * trial.values[0], trial.number))  # type: ignore[index]
        if len(self.objectives) == 1:
            return tuple(ordered[:1])
        return tuple(trial for trial in ordered if not any(self._surpasses(other, trial) for other in complete))

    def _surpasses(self, one: TrialRecord, other: TrialRecord) -> bool:
        assert one.values is not None and other.values is not None
        gains = [o.sign * (a - b) for o, a, b in zip(self.objectives, one.values, other.values, strict=True)]
        return min(gains) >= 0 and max(gains) > 0
