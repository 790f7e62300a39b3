"""What the loop does about a step that fails: a loss that is not finite, memory that runs out."""

from __future__ import annotations

from plx_train.contract.sample import Batch
from plx_train.distributed import ranks
from plx_train.ground.errors import TrainingError
from plx_train.runs.folder import NONFINITE_FILE
from plx_train.train.learner import OutOfMemory, Update, size_of
from plx_train.train.parts import Training
from plx_train.train.state import LoopState

MOST_ROLLBACKS = 3
SPARED_STEPS, SPARED_SHARE = 3, 0.1
"""Steps that trainer.nonfinite=skip leaves out before it gives up: a few, and a share of all."""
NOTHING_DONE = Update({}, 0.0, None, 0)


def take_step(run: Training, batches: list[Batch], rate: float, state: LoopState) -> Update | None:
    """One optimizer step; None when the loop has gone back to an earlier one."""
    step = state.step + 1
    if step in state.left_out:
        return NOTHING_DONE
    while True:
        try:
            update = run.learner.update(batches, rate, step)
            break
        except OutOfMemory:
            pass
        _make_smaller(run, batches, step)
    if update.fault is None:
        return update
    policy, hint = run.options.nonfinite, "lower optimizer.lr or set device.precision=fp32"
    sentence = f"{update.fault} at step {step}"
    if policy == "skip" and len(state.left_out) < SPARED_STEPS + SPARED_SHARE * state.step:
        run.console.warn(f"{sentence}; the step is left out (trainer.nonfinite=skip)")
        state.left_out.append(step)
        run.tracker.set_tags({"steps_left_out": state.left_out})
        return NOTHING_DONE
    if policy == "rollback" and state.rollbacks < MOST_ROLLBACKS:
        _roll_back(run, state, step)
        run.console.warn(f"{sentence}; back to step {state.step}, at {state.rate_factor:g} times the rate")
        run.tracker.set_tags({"rollbacks": state.rollbacks, "steps_left_out": state.left_out})
        return None
    again = "" if policy == "stop" else f", again after {state.rollbacks + len(state.left_out)} times of {policy}"
    path = run.learner.output / NONFINITE_FILE
    raise TrainingError(f"{sentence}{again}: {hint}; the batch's files are named in {path}")


def _make_smaller(run: Training, batches: list[Batch], step: int) -> None:
    """Has the learner compute batches in smaller parts, where that is wanted.

    Raises:
        TrainingError: it is not, or a single sample does not fit.
    """
    size = max(map(size_of, batches))
    if run.options.oom == "halve" and run.learner.parts < size and ranks.num_ranks() == 1:
        run.learner.parts = min(run.learner.parts * 2, size)
        run.console.warn(
            f"memory ran out at step {step}: each batch is computed in {run.learner.parts} parts from now on"
        )
        return
    fits = run.learner.batch_size_that_fits(max(batches, key=size_of))
    advice = (
        f"trainer.batch_size={fits} fits, tried just now; trainer.oom=halve does the same batch in parts"
        if fits
        else "not even one sample fits: make the samples smaller, or free memory"
    )
    raise TrainingError(f"memory ran out at step {step} with batches of {size}: {advice}")


def _roll_back(run: Training, state: LoopState, step: int) -> None:
    """Goes back to the newest checkpoint, to leave `step` out and take the rest at half the rate."""
    saved = run.keeper.newest()
    assert saved is not None, "the initial weights are saved before the first step"
    former = LoopState.from_json(saved.state["loop"])
    former.rate_factor, former.rollbacks = state.rate_factor / 2, state.rollbacks + 1
    former.left_out, former.timing = [*state.left_out, step], state.timing
    former.planned, former.planned_after = state.planned, state.planned_after
    former.pace, former.paced, former.pause, former.pauses = state.pace, state.paced, state.pause, state.pauses
    vars(state).update(vars(former))
    run.learner.restore(saved.tensors, saved.state["learner"])
    if run.pool:
        run.pool.restore(saved.state["pool"])
