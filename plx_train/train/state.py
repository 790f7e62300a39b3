"""Where a training loop is, and how long it runs: all that is needed to go on as if nothing had happened."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from plx_train.config.options import TrainerOptions
from plx_train.train.warnings import LearningWatch

TIMED_PARTS = ("data", "compute", "log", "evaluate", "save")


@dataclass
class LoopState:
    """Saved with every checkpoint, JSON-able but for `watch`."""

    step: int = 0
    epoch: int = 0
    cursor: int = 0
    """Batches of `epoch` already used."""
    seconds: float = 0.0
    max_seconds: float | None = None
    """What the loop may take in all, fixed after the first evaluation."""
    evaluated_step: int = -1
    """The last step that was evaluated; one that is due and was not yet is what a continued run does first."""
    best_value: float | None = None
    best_step: int = 0
    evaluations_without_gain: int = 0
    ended_by: str | None = None
    """Why training is over: steps, epochs, max_time or patience; None while it goes on."""
    rate_factor: float = 1.0
    """Halved by every rollback."""
    rollbacks: int = 0
    left_out: list[int] = field(default_factory=list)
    """Steps that change no weight, because their loss was not finite."""
    unlogged: list[dict[str, float]] = field(default_factory=list)
    """Losses of the steps since the last point was logged."""
    first: dict[str, Any] = field(default_factory=dict)
    """Metrics, curve and seconds of the first evaluation."""
    watch: LearningWatch = field(default_factory=LearningWatch)
    timing: dict[str, float] = field(default_factory=lambda: dict.fromkeys(TIMED_PARTS, 0.0))
    """Seconds spent on each part of the loop."""

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        content = asdict(self)
        content["watch"]["said"] = sorted(self.watch.said)
        return content

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> LoopState:
        """What `to_json` gave."""
        watch = content["watch"]
        return cls(**(content | {"watch": LearningWatch(**(watch | {"said": set(watch["said"])}))}))


@dataclass(frozen=True)
class Plan:
    """How long the loop runs: by steps, and by time where asked for."""

    total_steps: int
    max_seconds: float | None

    def progress(self, state: LoopState) -> float:
        """0 at the start, 1 at the end; with a time limit whichever is nearer to its end."""
        by_steps = state.step / max(self.total_steps, 1)
        return by_steps if self.max_seconds is None else max(by_steps, state.seconds / self.max_seconds)

    def end(self, state: LoopState) -> str | None:
        """Why the loop is over, None while it is not."""
        if state.step >= self.total_steps:
            return "steps"
        if self.max_seconds is not None and state.seconds >= self.max_seconds:
            return "max_time"
        return None


def make_plan(options: TrainerOptions, batches_per_epoch: int, max_seconds: float | None) -> Plan:
    """An accumulation cut short by the end of an epoch is a step of its own."""
    total = options.epochs * -(-batches_per_epoch // options.accumulate_steps)
    return Plan(min(total, options.max_steps or total), max_seconds)


def is_evaluation_due(options: TrainerOptions, state: LoopState) -> bool:
    """Whether the weights of this step are to be evaluated: the initial ones, those of the intervals, the last ones."""
    if state.evaluated_step == state.step:
        return False
    if state.step == 0 or state.ended_by:
        return True
    if options.eval_every_steps:
        return state.step % options.eval_every_steps == 0
    is_epoch_end = state.cursor == 0
    return is_epoch_end and options.eval_every_epochs is not None and state.epoch % options.eval_every_epochs == 0
