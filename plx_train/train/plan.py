"""How long the loop runs: the steps that epochs allow, or those that fit into the time at the measured speed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plx_train.config.options import TrainerOptions
from plx_train.ground.durations import readable_duration
from plx_train.train.state import LoopState

MEASURED_STEPS, MEASURED_SHARE, FIRST_SHARE = 3, 0.1, 0.3
"""Steps after the first that are measured before the time is planned, unless such a share of it goes by before: with
fewer of them, with none."""
RECENT_STEPS, RECENT_PAUSES = 64, 8
"""Steps and evaluations over which is averaged what one takes."""
AIM = 0.95
"""Share of the time that a plan is to take: what goes slower than planned must not be cut short."""
EARLIEST, LATEST = 0.85, 1.03
"""Shares of the time between which a plan is kept that turns out to end elsewhere."""
KEPT_SHARE = 0.05
"""Share of the time for which a plan is kept at least."""
EXPORT_SECONDS, EXPORT_SHARE = 3.0, 0.1
"""What writing an export takes, its proof apart; that share of the time at most."""
SETTLED = 0.9
"""Progress from which a plan is kept in any case: the rate has all but fallen."""


@dataclass(frozen=True)
class Lap:
    """What a step took.

    Attributes:
        seconds: without evaluation and checkpoint.
        pause: evaluation and checkpoint before it, where there were any.
        is_first: it was the first of its process, which takes longer than others.
    """

    seconds: float
    pause: float
    is_first: bool


@dataclass(frozen=True)
class Plan:
    """When the loop ends; what has been planned stands in its state, and a run that goes on keeps to it.

    Attributes:
        limit: steps that epochs and max_steps allow; None: as many as there is time for.
        limited_by: which of the two, as ``ended_by`` has it.
        steps_per_epoch: a cut-short accumulation is one.
        every: steps between evaluations; None: none but the first and the last.
        max_seconds: that the loop may take up to its last step.
    """

    limit: int | None
    limited_by: str
    steps_per_epoch: int
    every: int | None
    max_seconds: float | None

    def total(self, state: LoopState) -> int | None:
        """Steps of the whole run; None where they are not planned yet."""
        return state.planned[-1][2] if state.planned else self.limit

    def progress(self, state: LoopState, step: int | None = None) -> float:
        """0 at the start, 1 at the end; of another `step` than the state's, as far as is planned now."""
        step = state.step if step is None else step
        start, share, total = next((part for part in reversed(state.planned) if part[0] <= step), state.planned[0])
        if step < start:
            # A rollback to what a former version did without a plan.
            return share * step / start
        if total is None:
            return share
        return min(share + (1 - share) * (step - start) / max(total - start, 1), 1.0)

    def progress_at(self, state: LoopState, batch: tuple[int, int], accumulate_steps: int) -> float:
        """That of the step which takes a batch, given by its epoch and its number there."""
        epoch, number = batch
        return self.progress(state, epoch * self.steps_per_epoch + number // accumulate_steps)

    def end(self, state: LoopState) -> str | None:
        """Why the loop is over, None while it is not."""
        if state.last_step is not None:
            return "plan" if state.step >= state.last_step else None
        total = self.total(state)
        if total is not None and state.step >= total:
            return self.limited_by if total == self.limit else "max_time"
        if self.max_seconds is not None and state.seconds >= self.max_seconds:
            return "max_time"
        return None

    def measure(self, state: LoopState, lap: Lap) -> str | None:
        """Takes in how long the last step took; a sentence where that makes the plan."""
        if self.max_seconds is None or state.last_step is not None:
            return None
        _take_in(state, lap)
        if not self._is_measured(state):
            return None
        is_first, is_new = len(state.planned) == 1, self.total(state) is None
        is_fresh = state.seconds - state.planned_after < KEPT_SHARE * self.max_seconds
        if not is_new and (is_fresh or self.progress(state) > SETTLED):
            return None
        if not is_new and self._ends_in_time(state):
            return None
        total = state.step + self._steps_left(state, AIM * self.max_seconds - state.seconds)
        total = total if self.limit is None else min(total, self.limit)
        kept = [part for part in state.planned if part[0] < state.step]
        state.planned = [*kept, (state.step, self.progress(state), total)]
        state.planned_after = state.seconds
        if not is_first:
            return None
        return (
            f"the time is planned: {total} steps, {total / self.steps_per_epoch:.3g} epochs, for a step takes "
            f"{state.pace:.3g} s and an evaluation {state.pause:.3g} s"
        )

    def _is_measured(self, state: LoopState) -> bool:
        """Whether enough has been seen: a few steps, or a part of the time in which there were fewer."""
        share = state.seconds / (self.max_seconds or math.inf)
        return state.paced >= MEASURED_STEPS or share > (MEASURED_SHARE if state.paced else FIRST_SHARE)

    def _ends_in_time(self, state: LoopState) -> bool:
        total, most = self.total(state), self.max_seconds
        assert total is not None and most is not None
        end = state.seconds + self._seconds(state, total - state.step)
        return end <= LATEST * most and (end >= EARLIEST * most or total == self.limit)

    def _seconds(self, state: LoopState, steps: int) -> float:
        """What so many further steps take, with the evaluations before the last of them."""
        number = (state.step + steps - 1) // self.every - (state.step - 1) // self.every if self.every else 0
        return steps * state.pace + number * state.pause

    def _steps_left(self, state: LoopState, seconds: float) -> int:
        """The most steps that `seconds` suffice for, one at least."""
        low, high = 1, max(math.ceil(seconds / max(state.pace, 1e-6)), 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._seconds(state, middle) <= seconds else (low, middle - 1)
        return low


def _take_in(state: LoopState, lap: Lap) -> None:
    if not lap.is_first:
        state.paced += 1
        state.pace += (lap.seconds - state.pace) / min(state.paced, RECENT_STEPS)
    elif not state.paced:
        state.pace = lap.seconds
    if lap.pause:
        state.pauses += 1
        state.pause += (lap.pause - state.pause) / min(state.pauses, RECENT_PAUSES)


def time_for_steps(seconds: float, state: LoopState) -> float:
    """What remains of a loop's time for steps and the evaluations between them, when the first weights are measured.

    The last evaluation and the export, which is proven by another evaluation, must fit in as well.
    """
    export = min(EXPORT_SECONDS, EXPORT_SHARE * seconds)
    return max(seconds - state.pause - state.first["seconds"] - export, 1.0)


def begin_plan(options: TrainerOptions, batches_per_epoch: int, state: LoopState) -> Plan:
    """The plan of a loop that begins, or goes on, at `state`, which gets the first part of it."""
    per_epoch = -(-batches_per_epoch // options.accumulate_steps)
    by_epochs = options.epochs * per_epoch if options.epochs else None
    limits = [limit for limit in (by_epochs, options.max_steps) if limit is not None]
    limit = min(limits, default=None)
    every = options.eval_every_steps or (options.eval_every_epochs and options.eval_every_epochs * per_epoch)
    seconds = None if state.last_step is not None else state.max_seconds
    if not state.planned:
        # Runs of former versions followed the clock.
        share = state.seconds / seconds if seconds and state.step else 0.0
        state.planned = [(state.step, share, limit) if share else (0, 0.0, limit)]
    return Plan(limit, "epochs" if limit == by_epochs else "steps", per_epoch, every, seconds)


def ending(state: LoopState) -> str:
    """Where the best was, what ended the run, and what that means, in words."""
    if state.best_of is not None:
        return f"{state.best_of}, better than all of {state.step} steps, ended by {state.ended_by}"
    text = f"step {state.best_step} of {state.step}, ended by {state.ended_by}"
    if state.max_seconds is None or state.ended_by in (None, "max_time", "plan", "fit"):
        return text
    spare = state.max_seconds - state.seconds
    if spare < (1 - EARLIEST) * state.max_seconds:
        return text
    text += f" with {readable_duration(spare)} to spare"
    if state.best_step != state.step or state.ended_by not in ("epochs", "steps"):
        return text
    return f"{text}; the last evaluation was the best: more {state.ended_by} may help"
