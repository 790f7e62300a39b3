"""The sweep's loop: a free place gets a run at once, a run that says something is judged, one that ends is counted."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.ground.stop import StopRequest
from plx_train.runs.lock import is_held
from plx_train.runs.trial import prune
from plx_train.sweep.executors.executor import KILL_AFTER_SECONDS, Ended, Engine, JobSpec
from plx_train.sweep.live import TRIALS, LiveJob, RunOutcome, mean_and_spread, objective_values, outcome_of
from plx_train.sweep.record import Objective
from plx_train.sweep.space import Space
from plx_train.sweep.study import BY_SEED, JOBS, OUTCOME, REASON, VALUES, Study, values_of

if TYPE_CHECKING:
    from plx_train.terminal.console import Console

POLL_SECONDS = 0.05
ADOPT_SECONDS = 15.0
"""How often trials of other sweepers are looked at, whether these still live."""


@dataclass(frozen=True)
class SweepPlan:
    """How the sweep goes.

    Attributes:
        seeds: of each configuration's runs; one None where the command's own seed holds.
        max_failures: failed configurations after which no new one begins.
        deadline: time.monotonic() after which no new one begins.
        spec: makes a run's command from trial number, seed, values and folder.
    """

    space: Space
    objectives: tuple[Objective, ...]
    num_trials: int
    seeds: tuple[int | None, ...]
    is_pruning: bool
    is_grid: bool
    max_failures: int | None
    deadline: float | None
    spec: Callable[[int, int | None, dict[str, Any], Path], JobSpec]


@dataclass
class LiveTrial:
    """A trial of this sweeper's."""

    trial: Any
    values: dict[str, Any]
    jobs: list[LiveJob] = field(default_factory=list)
    by_seed: list[list[float]] = field(default_factory=list)
    num_reported: int = 0
    pruned: str | None = None

    def save(self) -> None:
        """Writes down what its runs have come to."""
        self.trial.set_user_attr(JOBS, [job.to_json() for job in self.jobs])


class Sweeper:
    """Works on a study until its trials are done."""

    def __init__(self, study: Study, engine: Engine, plan: SweepPlan, console: Console, stop: StopRequest) -> None:
        self.study, self.engine, self.plan = study, engine, plan
        self.console, self.stop = console, stop
        self.live: list[LiveTrial] = []
        self.failures = 0
        self.monitor: str | None = None
        self._adopted = -math.inf
        self._is_over = False

    def run(self) -> None:
        """Returns when nothing is left to do, or when a signal has come and all runs have ended."""
        try:
            while not self.stop.is_made:
                self._adopt()
                self._look()
                while self.engine.free():
                    # What has made room for a new run is counted before that is chosen.
                    self._look()
                    if not self._start_one():
                        break
                if not self.live:
                    return
                self.study.beat()
                time.sleep(POLL_SECONDS)
        finally:
            self._end_runs()

    def _adopt(self) -> None:
        if time.monotonic() - self._adopted < ADOPT_SECONDS:
            return
        self._adopted = time.monotonic()
        for trial in self.study.adopt():
            frozen = self.study.frozen(trial)
            if VALUES not in frozen.user_attrs and not self.study.is_filled_in(trial):
                # Its sweeper was gone before all values were drawn.
                self.study.give_up(trial)
                continue
            jobs = [LiveJob.from_json(content, self.study.folder) for content in frozen.user_attrs.get(JOBS, [])]
            live = LiveTrial(trial, values_of(frozen), jobs)
            live.by_seed = [job.values for job in jobs if job.values is not None]
            live.num_reported = max(frozen.intermediate_values, default=0)
            self.live.append(live)
            self.console.info(f"trial {trial.number} was interrupted, and goes on")

    def _start_one(self) -> bool:
        for live in self.live:
            job = self._next_job(live)
            if job is not None:
                return self._start(live, job)
        if not self._begins_new():
            return False
        asked = self.study.ask(self.plan.space, may_repeat=self.plan.is_grid)
        if asked is None:
            self._is_over = True
            return False
        trial, values = asked
        if self._is_surplus(trial):
            # Another sweeper was quicker.
            self.study.give_up(trial)
            return False
        self.live.append(LiveTrial(trial, values))
        return True

    def _is_surplus(self, trial: Any) -> bool:
        if self.plan.is_grid:
            return not self.study.is_filled_in(trial)
        return sum(other.number < trial.number for other in self.study.trials()) >= self.plan.num_trials

    def _next_job(self, live: LiveTrial) -> LiveJob | None:
        """A run of the trial that is to be started: the first seed alone at first, which is the one that is pruned."""
        for job in live.jobs:
            if job.handle is None and job.values is None:
                return job if not is_held(job.folder) else None
        wanted = self.plan.seeds if live.by_seed else self.plan.seeds[:1]
        if len(live.jobs) == len(wanted):
            return None
        seed = self.plan.seeds[len(live.jobs)]
        tail = f"-s{seed}" if seed is not None else ""
        job = LiveJob(seed, self.study.folder / TRIALS / f"{live.trial.number:03d}{tail}")
        live.jobs.append(job)
        return job

    def _start(self, live: LiveTrial, job: LiveJob) -> bool:
        job.started(self.engine.start(self.plan.spec(live.trial.number, job.seed, live.values, job.folder)))
        live.save()
        return True

    def _begins_new(self) -> bool:
        plan = self.plan
        if self._is_over or (plan.deadline is not None and time.monotonic() > plan.deadline):
            return False
        if plan.max_failures is not None and self.failures >= plan.max_failures:
            self._is_over = True
            self.console.warn(
                f"{self.failures} configurations failed: no new one begins (sweep.max_failures={plan.max_failures})"
            )
            return False
        return self.study.waiting() > 0 or (not plan.is_grid and len(self.study.trials()) < plan.num_trials)

    def _look(self) -> None:
        for live in list(self.live):
            with self.study.in_one_go():
                self._look_at(live)

    def _look_at(self, live: LiveTrial) -> None:
        if live.jobs and live.jobs[0].handle is not None:
            self._judge(live)
        for job in live.jobs:
            ended = job.handle.poll() if job.handle else None
            if ended is not None:
                job.ended()
                self._count(live, job, ended)
                if live not in self.live:
                    return

    def _judge(self, live: LiveTrial) -> None:
        """Passes on what the first seed's run says, and tells it to end if it is behind."""
        reports = live.jobs[0].reports()
        for place, report in enumerate(reports[live.num_reported :], live.num_reported + 1):
            self._note_monitor(report.get("monitor"))
            value = report["metrics"].get(self.plan.objectives[0].metric or report.get("monitor"))
            live.num_reported = place
            if value is None or not math.isfinite(value) or len(self.plan.objectives) > 1:
                continue
            live.trial.report(float(value), place)
            is_last = report["epochs"] >= report["planned_epochs"]
            if self.plan.is_pruning and not is_last and live.pruned is None and live.trial.should_prune():
                live.pruned = f"{value:.4g} at evaluation {place} is behind the other trials"
                prune(live.jobs[0].folder, live.pruned)

    def _count(self, live: LiveTrial, job: LiveJob, ended: Ended) -> None:
        outcome = outcome_of(job, ended)
        self._judge_rest(live, job)
        job.run_id = outcome.run_id or job.run_id
        if outcome.kind == "complete":
            found = objective_values(self.plan.objectives, outcome)
            if isinstance(found, str):
                self._close(live, RunOutcome("failed", found))
                return
            self._note_monitor(outcome.monitor)
            job.values = found
            live.by_seed = [one.values for one in live.jobs if one.values is not None]
        live.save()
        if outcome.kind == "interrupted":
            self.console.warn(f"trial {live.trial.number}: {outcome.reason}; it goes on from its last checkpoint")
        elif outcome.kind != "complete" or len(live.by_seed) == len(self.plan.seeds):
            self._close(live, outcome)

    def _note_monitor(self, name: str | None) -> None:
        """Keeps the name of the module's own figure, which the runs alone know."""
        if self.monitor is None and name is not None:
            self.monitor = name
            self.study.study.set_user_attr("monitor", name)

    def _judge_rest(self, live: LiveTrial, job: LiveJob) -> None:
        if job is live.jobs[0]:
            self._judge(live)
        else:
            job.reports()

    def _close(self, live: LiveTrial, outcome: RunOutcome) -> None:
        """The trial is over, and so are its other runs."""
        for job in live.jobs:
            if job.handle is not None:
                job.handle.stop()
                job.ended()
        self.live.remove(live)
        live.save()
        trial = live.trial
        trial.set_user_attr(OUTCOME, outcome.kind)
        number = f"trial {trial.number}"
        if outcome.kind == "complete":
            means, spreads = mean_and_spread(live.by_seed)
            trial.set_user_attr(BY_SEED, {"means": means, "spreads": spreads, "values": live.by_seed})
            self._tell(trial, means, "COMPLETE")
            shown = ", ".join(
                f"{objective.metric or self.monitor} {mean:.4f}" + (f" ± {spread:.4f}" if len(live.by_seed) > 1 else "")
                for objective, mean, spread in zip(self.plan.objectives, means, spreads, strict=True)
            )
            self.console.info(f"{number}: {shown} ({_shown(live.values)})")
            return
        reason = live.pruned if outcome.kind == "pruned" and live.pruned else outcome.reason
        trial.set_user_attr(REASON, reason)
        # Told as pruned, a configuration that is too big teaches the sampler to keep away from its like.
        self._tell(trial, None, "PRUNED" if outcome.kind in ("pruned", "out of memory") else "FAIL")
        if outcome.kind == "failed":
            self.failures += 1
        say = self.console.info if outcome.kind == "pruned" else self.console.warn
        say(f"{number} {outcome.kind}: {reason} ({_shown(live.values)}; {live.jobs[0].folder})")

    def _tell(self, trial: Any, values: list[float] | None, state: str) -> None:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        # A sweeper that was taken for dead finds its trials told by another.
        with contextlib.suppress(UpdateFinishedTrialError):
            self.study.study.tell(trial, values, TrialState[state], skip_if_finished=True)

    def _end_runs(self) -> None:
        """Asks all runs to save and end, waits, and writes down where they are."""
        running = [(live, job) for live in self.live for job in live.jobs if job.handle is not None]
        for _, job in running:
            assert job.handle is not None
            job.handle.stop()
        give_up = time.monotonic() + KILL_AFTER_SECONDS + 5
        while running and time.monotonic() < give_up:
            for live, job in list(running):
                assert job.handle is not None
                if job.handle.poll() is not None:
                    job.ended()
                    live.save()
                    running.remove((live, job))
            time.sleep(POLL_SECONDS)


def _shown(values: dict[str, Any]) -> str:
    return " ".join(f"{key}={f'{value:.4g}' if isinstance(value, float) else value}" for key, value in values.items())
