"""The one loop. It knows four nouns: module, loader, optimizer, tracker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from plx_train.checkpoint import load_checkpoint, optimizer_tensors, save_checkpoint
from plx_train.contract import Batch, Module
from plx_train.evaluate import Evaluation
from plx_train.learner import Learner
from plx_train.loader import Loader
from plx_train.optimizer import OptimizerOptions, learning_rate
from plx_train.options import TrainerOptions
from plx_train.watch import LearningWatch, data_verdict

if TYPE_CHECKING:
    from plx_train.console import Console
    from plx_train.tracking import Tracker


@dataclass
class LoopState:
    """Where the loop is; saved with every checkpoint."""

    step: int = 0
    epoch: int = 0
    cursor: int = 0
    """Batches of `epoch` already used."""
    seconds: float = 0.0
    best_value: float = -math.inf
    best_step: int = 0
    evaluations_without_gain: int = 0
    timing: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("data", "compute", "log", "evaluate"), 0.0))
    """Seconds spent on each part of the loop."""


@dataclass(frozen=True)
class TrainResult:
    """What the loop leaves behind; `module.network` and ``checkpoints/best`` hold the best weights."""

    first: Evaluation
    best: Evaluation
    state: LoopState
    ended_by: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """How long the loop runs: by steps, and by time where asked for."""

    total_steps: int
    max_seconds: float | None

    def progress(self, state: LoopState) -> float:
        """0 at the start, 1 at the end; with a time limit whichever is nearer to its end."""
        by_steps = state.step / max(self.total_steps, 1)
        return by_steps if self.max_seconds is None else max(by_steps, state.seconds / self.max_seconds)


def train(
    module: Module,
    loader: Loader,
    evaluate: Callable[[], Evaluation],
    options: TrainerOptions,
    optimizer_options: OptimizerOptions,
    learner: Learner,
    tracker: Tracker,
    console: Console,
    output: Path,
    max_seconds: float | None = None,
) -> TrainResult:
    """Trains `module.network` in place and leaves it with the best weights seen, the initial ones included.

    Raises:
        TrainingError: the loss is not finite.
    """
    started = time.perf_counter()
    state, watch, notes = LoopState(), LearningWatch(), []
    judge = _Judge(module, learner, evaluate, options.min_delta, tracker, output / "checkpoints" / "best")
    first = judge.measure(state)
    # The last evaluation and the export must fit into the time as well.
    reserve = 2.0 * first.seconds
    plan = _plan(options, loader.sampler.batches_per_epoch, max_seconds and max(max_seconds - reserve, 1.0))
    clock, ended_by = _Clock(state.timing), None
    recent: list[dict[str, float]] = []
    with console.progress(plan.total_steps, plan.max_seconds) as progress:
        for batches in _steps(loader, options.accumulate_steps, state):
            clock.mark("data")
            rate = learning_rate(optimizer_options, plan.progress(state))
            losses, gradient_norm = learner.update(batches, rate, state.step + 1)
            state.step += 1
            state.seconds = time.perf_counter() - started
            clock.mark("compute")

            watch.see_step(losses["loss"], gradient_norm)
            recent.append(losses)
            ended_by = _end(plan, state)
            if ended_by or state.step % options.log_every_steps == 0:
                shares = {f"time/{part}_share": share for part, share in clock.shares().items()}
                values = {f"train/{name}": sum(step[name] for step in recent) / len(recent) for name in losses}
                recent.clear()
                extra = {"train/lr": rate, "train/gradient_norm": gradient_norm, "train/epoch": float(state.epoch)}
                tracker.log_metrics(values | extra | shares, state.step)
            progress.update(
                step=state.step,
                epoch=state.epoch,
                loss=losses["loss"],
                data_share=clock.shares()["data"],
                best=state.best_value,
            )
            clock.mark("log")

            if ended_by or _is_due(options, state):
                progress.update(note="evaluating")
                watch.see_metric(judge.measure(state).metrics[module.monitor])
                progress.update(best=state.best_value, note="")
                notes += _say(console, watch.notes())
                _save_last(output, module, learner, state)
                if options.patience and state.evaluations_without_gain >= options.patience:
                    ended_by = ended_by or "patience"
                clock.mark("evaluate")
            if ended_by:
                break
    tensors, _ = load_checkpoint(output / "checkpoints" / "best")
    module.network.set_state_dict(tensors["network"])
    verdict = data_verdict(state.timing["data"], sum(state.timing.values()), loader.num_workers)
    notes += _say(console, [verdict] if verdict else [])
    return TrainResult(first, judge.best, state, ended_by or "epochs", tuple(notes))


def _plan(options: TrainerOptions, batches_per_epoch: int, max_seconds: float | None) -> Plan:
    """An accumulation cut short by the end of an epoch is a step of its own."""
    total = options.epochs * -(-batches_per_epoch // options.accumulate_steps)
    return Plan(min(total, options.max_steps or total), max_seconds)


def _steps(loader: Loader, accumulate_steps: int, state: LoopState) -> Iterator[list[Batch]]:
    """The batches of each optimizer step, epoch after epoch; `state` points behind what was yielded."""
    while True:
        held: list[Batch] = []
        for batch in loader.epoch(state.epoch, state.cursor):
            held.append(batch)
            state.cursor += 1
            is_epoch_end = state.cursor == loader.sampler.batches_per_epoch
            if is_epoch_end:
                state.epoch, state.cursor = state.epoch + 1, 0
            if is_epoch_end or len(held) == accumulate_steps:
                yield held
                held = []


def _end(plan: Plan, state: LoopState) -> str | None:
    if state.step >= plan.total_steps:
        return "steps"
    if plan.max_seconds is not None and state.seconds >= plan.max_seconds:
        return "max_time"
    return None


def _is_due(options: TrainerOptions, state: LoopState) -> bool:
    if options.eval_every_steps:
        return state.step % options.eval_every_steps == 0
    is_epoch_end = state.cursor == 0
    return is_epoch_end and options.eval_every_epochs is not None and state.epoch % options.eval_every_epochs == 0


def _say(console: Console, sentences: list[str]) -> list[str]:
    for sentence in sentences:
        console.warn(sentence)
    return sentences


def _save_last(output: Path, module: Module, learner: Learner, state: LoopState) -> None:
    tensors = {"network": module.network.state_dict(), "optimizer": optimizer_tensors(learner.optimizer)}
    if learner.average:
        tensors["ema"] = learner.average.state_dict()
    save_checkpoint(output / "checkpoints" / "last", tensors, asdict(state))


class _Clock:
    """Splits the loop's time into named parts."""

    def __init__(self, timing: dict[str, float]) -> None:
        self.timing = timing
        self.last = time.perf_counter()

    def mark(self, part: str) -> None:
        """Adds the time since the last mark to `part`."""
        now = time.perf_counter()
        self.timing[part] += now - self.last
        self.last = now

    def shares(self) -> dict[str, float]:
        """Share of the step time of each part, evaluation apart."""
        parts = {part: seconds for part, seconds in self.timing.items() if part != "evaluate"}
        total = max(sum(parts.values()), 1e-9)
        return {part: seconds / total for part, seconds in parts.items()}


class _Judge:
    """Evaluates, remembers the best evaluation and writes its weights."""

    def __init__(
        self,
        module: Module,
        learner: Learner,
        evaluate: Callable[[], Evaluation],
        min_delta: float,
        tracker: Tracker,
        folder: Path,
    ) -> None:
        self.module = module
        self.learner = learner
        self.evaluate = evaluate
        self.min_delta = min_delta
        self.tracker = tracker
        self.folder = folder
        self.best: Evaluation

    def measure(self, state: LoopState) -> Evaluation:
        """One evaluation of the averaged weights, where there is an average."""
        with self.learner.averaged_weights():
            self.module.eval_mode()
            evaluation = self.evaluate()
            value = evaluation.metrics[self.module.monitor]
            is_better = value > state.best_value + (self.min_delta if state.step else 0.0)
            if is_better:
                self.best, state.best_value, state.best_step = evaluation, value, state.step
                content = {
                    "metrics": evaluation.metrics,
                    "processor": asdict(evaluation.processor),
                    "is_fine_tuning": self.module.is_fine_tuning,
                }
                save_checkpoint(self.folder, {"network": self.module.network.state_dict()}, asdict(state) | content)
        self.module.train_mode()
        state.evaluations_without_gain = 0 if is_better else state.evaluations_without_gain + 1
        self.tracker.log_metrics({f"val/{name}": number for name, number in evaluation.metrics.items()}, state.step)
        return evaluation
