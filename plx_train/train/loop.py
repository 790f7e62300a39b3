"""The one loop. It knows four nouns: module, loader, optimizer, tracker."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plx_train.contract.evaluation import Evaluation
from plx_train.contract.sample import Batch
from plx_train.data.loader import Loader
from plx_train.distributed import ranks
from plx_train.ground.stop import Stopped
from plx_train.runs.trial import Pruned
from plx_train.train.best import Judge
from plx_train.train.faulty_steps import take_step
from plx_train.train.learner import OF_POOL, Update
from plx_train.train.optimizer import learning_rate
from plx_train.train.parts import Training
from plx_train.train.plan import Lap, Plan, begin_plan, time_for_steps
from plx_train.train.state import LoopState, is_evaluation_due
from plx_train.train.warnings import data_verdict

if TYPE_CHECKING:
    from plx_train.terminal.console import Console
    from plx_train.terminal.progress import Progress

FIT_PARTS = 100
"""Steps that the progress of a fit is shown in."""


@dataclass(frozen=True)
class TrainResult:
    """What the loop leaves behind; `module.network` and ``checkpoints/best`` hold the best weights."""

    first: Evaluation
    best: Evaluation
    state: LoopState
    notes: tuple[str, ...]


def train(run: Training, state: LoopState, max_seconds: float | None = None) -> TrainResult:
    """Trains on from `state` and leaves the module with the best weights seen, the initial ones included.

    Args:
        max_seconds: the loop may take, from its first start on.

    Raises:
        TrainingError: the loss is not finite, memory runs out, or a checkpoint can't be written.
        Stopped: a signal came; all is saved.
        Pruned: the sweep that the run belongs to has no more use for it.
    """
    began = time.perf_counter() - state.seconds
    judge = Judge(run)
    if state.step == 0 and state.evaluated_step < 0:
        judge.measure(state)
        state.max_seconds = ranks.gather(max_seconds and time_for_steps(max_seconds, state))[0]
        _save(run, state)
    if state.step == 0 and run.module.has_fit:
        _fit(run)
        # No steps are left to do: what was fitted is measured, and the loop is over.
        state.step, state.ended_by = 1, "fit"
    plan = _plan(run, state)
    clock = _Clock(state.timing)
    notes: list[str] = []
    num_steps = state.step if state.ended_by else plan.total(state)
    with run.console.progress(num_steps, plan.max_seconds) as progress:
        progress.begin(state.step, state.seconds)
        steps = _steps(run, state)
        while True:
            if is_evaluation_due(run.options, state):
                progress.update(step=state.step, note="evaluating")
                _evaluate_or_save(run, judge, state)
                _report(run, judge, plan, state)
                notes += _say(run.console, state.watch.notes(is_over=bool(state.ended_by)))
                progress.update(best=state.best_value, note="")
                clock.mark("evaluate")
                _save(run, state)
                clock.mark("save")
            if state.ended_by:
                break

            batches = next(steps)
            clock.mark("data")
            share = plan.progress(state)
            rate = state.rate_factor * learning_rate(run.optimizer_options, share)
            update = take_step(run, run.with_pool(batches, share), rate, state)
            if update is None:
                steps = _steps(run, state)
                continue
            state.step += 1
            clock.mark("compute")
            _keep_time(run, plan, state, time.perf_counter() - began, clock)

            _log(run, state, update, rate, clock)
            _show(progress, plan, state, update, clock)
            clock.mark("log")

            if ranks.any_true(run.stop.is_made):
                _save(run, state)
                run.keeper.wait()
                raise Stopped(run.stop.number or signal.SIGTERM)
            if run.trial.folder and ranks.any_true(run.trial.is_pruned()):
                run.keeper.wait()
                raise Pruned(run.trial.reason(), state.step)
            if run.keeper.is_due(state.step) and not is_evaluation_due(run.options, state):
                _save(run, state)
                clock.mark("save")
    run.keeper.wait()
    best = judge.best_again(state)
    verdict = data_verdict(state.timing["data"], sum(state.timing.values()), run.loader.num_workers)
    notes += _say(run.console, [text for text in (verdict, _left_out(run.loader)) if text])
    return TrainResult(judge.first(state), best, state, tuple(notes))


def _fit(run: Training) -> None:
    """Fits the module to all training samples."""
    run.console.info(f"fitting to {len(run.loader.dataset)} samples, in one step")
    with run.console.progress(FIT_PARTS) as progress:
        run.module.progress = lambda share, note: progress.update(step=round(FIT_PARTS * share), note=note)
        run.module.fit(run.loader.dataset, run.holdout, run.members)


def _plan(run: Training, state: LoopState) -> Plan:
    """When the loop ends, of which those hear who make batches."""
    every = run.options.accumulate_steps
    plan = begin_plan(run.options, run.loader.sampler.batches_per_epoch, state)
    run.loader.progress = lambda *batch: plan.progress_at(state, batch, every)
    if pool := run.pool:
        pool.loader.progress = lambda *batch: plan.progress(state, pool.place_of(*batch) // every)
    return plan


def _steps(run: Training, state: LoopState) -> Iterator[list[Batch]]:
    """The batches of each optimizer step, epoch after epoch, and as many of the pool after them where there is one.

    `state` points behind what was yielded.
    """
    loader, every = run.loader, run.options.accumulate_steps
    pool = _pool_batches(run.pool.loader, state) if run.pool else None
    while True:
        held: list[Batch] = []
        for batch in loader.epoch(state.epoch, state.cursor):
            held.append(batch)
            state.cursor += 1
            is_epoch_end = state.cursor == loader.sampler.batches_per_epoch
            if is_epoch_end:
                state.epoch, state.cursor = state.epoch + 1, 0
            if is_epoch_end or len(held) == every:
                yield held if pool is None else [*held, *itertools.islice(pool, len(held))]
                held = []


def _pool_batches(loader: Loader, state: LoopState) -> Iterator[Batch]:
    while True:
        for batch in loader.epoch(*divmod(state.pool_batches, loader.sampler.batches_per_epoch)):
            state.pool_batches += 1
            yield batch


def _log(run: Training, state: LoopState, update: Update, rate: float, clock: _Clock) -> None:
    if update.num_samples:
        state.watch.see_step(update.losses["loss"], update.gradient_norm)
        state.unlogged.append(update.losses)
    if not (state.ended_by or state.step % run.options.log_every_steps == 0):
        return
    recent, state.unlogged = state.unlogged, []
    values = {f"train/{name}": value for name, value in _means(recent).items()}
    values |= {"train/lr": rate, "train/gradient_norm": update.gradient_norm, "train/epoch": float(state.epoch)}
    unreadable = int(ranks.counts([len(run.loader.unreadable)]).sum())
    if unreadable:
        values["train/unreadable_samples"] = float(unreadable)
    if run.pool:
        if warning := run.pool.warning():
            run.console.warn(warning)
        values |= {f"pool/{name}": value for name, value in (run.pool.figures() | _loss_ratio(values)).items()}
    shares = {f"time/{part}_share": share for part, share in clock.shares().items()}
    run.tracker.log_metrics(values | shares, state.step)


def _loss_ratio(values: dict[str, float]) -> dict[str, float]:
    """The pool's loss against that of the labels, where both are known."""
    own, of_pool = values.get("train/loss"), values.get(f"train/{OF_POOL}loss")
    return {"loss_ratio": of_pool / own} if own and of_pool is not None else {}


def _means(losses: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each loss over the steps that have it."""
    found: dict[str, list[float]] = {}
    for step in losses:
        for name, value in step.items():
            found.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}


def _show(progress: Progress, plan: Plan, state: LoopState, update: Update, clock: _Clock) -> None:
    progress.expect(plan.total(state))
    progress.update(
        step=state.step,
        epoch=state.epoch,
        loss=update.losses.get("loss"),
        data_share=clock.share("data"),
        best=state.best_value,
    )


def _keep_time(run: Training, plan: Plan, state: LoopState, seconds: float, clock: _Clock) -> None:
    """Notes the time that has gone, plans by it, and says whether the loop is over."""
    # The first process's clock: what depends on the time must go alike in all.
    state.seconds, lap = ranks.gather((seconds, clock.lap()))[0]
    said = plan.measure(state, lap)
    if said:
        run.console.info(said)
    state.ended_by = plan.end(state)


def _evaluate_or_save(run: Training, judge: Judge, state: LoopState) -> None:
    """Evaluates; a signal in the middle of it saves the step, to be evaluated when the run goes on."""
    try:
        judge.measure(state)
    except Stopped:
        _save(run, state)
        run.keeper.wait()
        raise
    if run.options.patience and state.evaluations_without_gain >= run.options.patience:
        state.ended_by = state.ended_by or "patience"


def _report(run: Training, judge: Judge, plan: Plan, state: LoopState) -> None:
    if ranks.rank() == 0:
        per_epoch = run.loader.sampler.batches_per_epoch / run.options.accumulate_steps
        total = None if state.ended_by else plan.total(state)
        epochs = (state.step / per_epoch, (total or state.step) / per_epoch)
        run.trial.report(state.step, epochs, f"val/{run.module.monitor}", judge.latest)


def _save(run: Training, state: LoopState) -> None:
    if ranks.rank() == 0:
        content = {"loop": state.to_json(), "learner": run.learner.state(), "run_id": run.tracker.run_id}
        content |= {"pool": run.pool.state()} if run.pool else {}
        run.keeper.save_step(state.step, run.learner.tensors(), content)


def _left_out(loader: Loader) -> str | None:
    names = sorted(loader.unreadable)
    if not names:
        return None
    return f"{len(names)} training samples could not be read and were left out, first {names[0]}"


def _say(console: Console, sentences: list[str]) -> list[str]:
    for sentence in sentences:
        console.warn(sentence)
    return sentences


class _Clock:
    """Splits the loop's time into named parts."""

    def __init__(self, timing: dict[str, float]) -> None:
        self.timing = timing
        self.last = time.perf_counter()
        self.laps, self._lapped = 0, dict(timing)

    def mark(self, part: str) -> None:
        """Adds the time since the last mark to `part`."""
        now = time.perf_counter()
        self.timing[part] += now - self.last
        self.last = now

    def lap(self) -> Lap:
        """The time since the last lap."""
        spent = {part: seconds - self._lapped[part] for part, seconds in self.timing.items()}
        self.laps, self._lapped = self.laps + 1, dict(self.timing)
        pause = spent["evaluate"] + spent["save"]
        return Lap(sum(spent.values()) - pause, pause, self.laps == 1)

    def share(self, part: str) -> float:
        """Share of the step time, evaluation apart, that `part` took."""
        total = sum(self.timing.values()) - self.timing["evaluate"]
        return self.timing[part] / max(total, 1e-9)

    def shares(self) -> dict[str, float]:
        """That of each part."""
        return {part: self.share(part) for part in self.timing if part != "evaluate"}
