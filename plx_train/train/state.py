"""Where a training loop is: all that is needed to go on as if nothing had happened."""

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
    pool_batches: int = 0
    """Batches of the pool already used, over all its epochs."""
    seconds: float = 0.0
    max_seconds: float | None = None
    """What the loop may take in all, fixed after the first evaluation."""
    pace: float = 0.0
    """Seconds of a step, of which `paced` were measured; only where the time is limited."""
    paced: int = 0
    pause: float = 0.0
    """The same of an evaluation, calibration and checkpoint included, and of `pauses`."""
    pauses: int = 0
    planned_after: float = 0.0
    """Seconds that had gone when the plan was made or changed."""
    planned: list[tuple[int, float, int | None]] = field(default_factory=list)
    """(step from which it holds, progress there, steps of the whole run or None), part after part: see `plan`."""
    last_step: int | None = None
    """Where the run ends that follows the plan of another; None: it has a plan of its own."""
    evaluated_step: int = -1
    """The last step that was evaluated; one that is due and was not yet is what a continued run does first."""
    best_value: float | None = None
    best_step: int = 0
    best_of: str | None = None
    """Name of the contender that is the best; None: it was trained here, or is what training began with."""
    contenders: dict[str, dict[str, float]] = field(default_factory=dict)
    """Metrics of the contenders by their names."""
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
        planned = [tuple(part) for part in content.get("planned", [])]
        read = {"watch": LearningWatch(**(watch | {"said": set(watch["said"])})), "planned": planned}
        return cls(**(content | read))


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
