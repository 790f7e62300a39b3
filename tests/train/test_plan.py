"""How long a run is: by epochs to the bit, by time from the measured speed; on loops whose clock is a formula."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

import pytest

from plx_train.config.options import TrainerOptions
from plx_train.train.plan import Lap, Plan, begin_plan, ending, time_for_steps
from plx_train.train.state import LoopState, is_evaluation_due

BATCHES = 10
Speed = Callable[[int], float]


def loop(
    options: TrainerOptions,
    seconds: float | None,
    step_seconds: Speed,
    pause: float = 0.0,
    state: LoopState | None = None,
) -> tuple[LoopState, list[float]]:
    """Goes through a run's steps; its last state and the progress at each step."""
    state = state or LoopState(max_seconds=seconds, pause=pause)
    plan, shares, is_first, paused = begin_plan(options, BATCHES, state), [], True, 0.0
    while not state.ended_by:
        if state.step and is_evaluation_due(options, state):
            state.evaluated_step, paused = state.step, pause
            state.seconds += pause
        shares.append(plan.progress(state))
        spent = step_seconds(state.step)
        state.step += 1
        state.epoch, state.cursor = divmod(state.step, BATCHES)
        state.seconds += spent
        plan.measure(state, Lap(spent, paused, is_first))
        state.ended_by = plan.end(state)
        is_first, paused = False, 0.0
        assert state.step < 100_000
    return state, shares


def rises(shares: list[float]) -> bool:
    return all(0 <= one <= other <= 1 for one, other in pairwise(shares))


def test_epochs_and_steps_end_a_run_as_they_say() -> None:
    for options, total, ended_by in (
        (TrainerOptions(epochs=3), 30, "epochs"),
        (TrainerOptions(epochs=3, accumulate_steps=4), 9, "epochs"),
        (TrainerOptions(epochs=3, max_steps=7), 7, "steps"),
        (TrainerOptions(epochs=None, max_steps=70), 70, "steps"),
    ):
        state = LoopState()
        plan = begin_plan(options, BATCHES, state)
        assert plan.total(state) == total
        assert [plan.progress(LoopState(step=step, planned=state.planned)) for step in range(total)] == [
            step / total for step in range(total)
        ], "not another bit"
        state.step = total
        assert plan.end(state) == ended_by


SPEEDS: dict[str, Speed] = {
    "even": lambda step: 0.5,
    "a slow first step": lambda step: 8.0 if step == 0 else 0.5,
    "slower later": lambda step: 0.5 if step < 60 else 1.2,
    "quicker later": lambda step: 1.0 if step < 30 else 0.4,
    "uneven": lambda step: 0.2 + 0.6 * (step * 7919 % 10) / 9,
}


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("pause", [0.0, 3.0])
def test_a_time_without_epochs_is_filled_and_the_rate_falls_to_its_end(speed: str, pause: float) -> None:
    options = TrainerOptions(epochs=None, max_time="x", eval_every_epochs=2)
    state, shares = loop(options, 120.0, SPEEDS[speed], pause)
    assert state.ended_by == "max_time"
    assert 0.8 * 120 <= state.seconds <= 120 + 2 * (1.2 + pause)
    assert rises(shares) and shares[0] == 0.0
    assert shares[-1] > 0.9, "what decays over the run has decayed"


def test_few_long_steps_are_planned_too() -> None:
    state, shares = loop(TrainerOptions(epochs=None), 100.0, lambda step: 30.0 if step == 0 else 24.0)
    assert state.step == 3 and state.seconds <= 100
    assert rises(shares)


def test_of_epochs_and_time_the_shorter_holds() -> None:
    options = TrainerOptions(epochs=10, eval_every_epochs=None)
    state, shares = loop(options, 1000.0, lambda step: 0.5)
    assert (state.step, state.ended_by) == (100, "epochs")
    assert shares == [step / 100 for step in range(100)], "a time that suffices changes nothing"
    state, shares = loop(options, 25.0, lambda step: 0.5)
    assert state.ended_by == "max_time" and 40 <= state.step <= 50
    assert rises(shares) and shares[-1] > 0.9


def test_epochs_beside_a_time_are_a_plan_that_is_kept_like_others() -> None:
    options = TrainerOptions(epochs=20, eval_every_epochs=None)
    late, shares = loop(options, 101.0, lambda step: 0.5 if step < 190 else 3.0)
    assert late.planned == [(0, 0.0, 200)] and late.ended_by == "max_time", "the rate has all but fallen"
    assert shares == [step / 200 for step in range(late.step)]
    early, _ = loop(options, 100.0, lambda step: 0.6 if step < 5 else 0.4)
    assert early.planned == [(0, 0.0, 200)], "what is a few seconds old is kept"
    slow, _ = loop(options, 100.0, lambda step: 20.0 if step == 0 else 0.3)
    assert slow.planned == [(0, 0.0, 200)], "a slow first step is no pace"


def test_a_plan_is_kept_where_a_run_goes_on() -> None:
    options = TrainerOptions(epochs=None, eval_every_epochs=None)
    whole, shares = loop(options, 60.0, lambda step: 0.5)
    plan, state = Plan(None, "steps", BATCHES, None, 60.0), LoopState(max_seconds=60.0)
    begin_plan(options, BATCHES, state)
    for step in range(40):
        state.step, state.seconds = step + 1, 0.5 * (step + 1)
        plan.measure(state, Lap(0.5, 0.0, step == 0))
    saved = json.loads(json.dumps(state.to_json()))
    restored = LoopState.from_json(saved)
    assert restored == state
    # A process that begins takes longer over its first step; that is not the machine's pace.
    gone_on, rest = loop(options, None, lambda step: 0.9 if step == 40 else 0.5, state=restored)
    assert (gone_on.planned, gone_on.step) == (whole.planned, whole.step)
    assert rest == shares[40:]


def test_a_recorded_plan_is_followed_whatever_the_clock_says() -> None:
    options = TrainerOptions(epochs=None, eval_every_epochs=None)
    first, shares = loop(options, 120.0, SPEEDS["slower later"])
    assert len(first.planned) > 2, "it was changed on the way"
    again = LoopState(max_seconds=120.0, planned=first.planned, last_step=first.step)
    state, repeated = loop(options, None, lambda step: 7.0, state=again)
    assert (state.step, repeated) == (first.step, shares)


def test_a_run_of_a_former_version_goes_on_from_where_the_clock_had_led_it() -> None:
    content = LoopState(step=50, seconds=50.0, max_seconds=100.0).to_json()
    for name in ("planned", "pace", "paced", "pause", "pauses", "planned_after", "last_step"):
        del content[name]
    state, shares = loop(TrainerOptions(epochs=1000), None, lambda step: 1.0, state=LoopState.from_json(content))
    assert shares[0] == 0.5 and rises(shares) and shares[-1] > 0.9
    assert 90 <= state.step <= 100


def test_a_rollback_to_before_the_plan_goes_on_from_the_progress_that_there_was() -> None:
    state = LoopState(step=100, seconds=50.0, max_seconds=100.0)
    plan = begin_plan(TrainerOptions(epochs=1000), BATCHES, state)
    assert state.planned == [(100, 0.5, 10_000)]
    assert [plan.progress(LoopState(step=step, planned=state.planned)) for step in (0, 80, 100)] == [0.0, 0.4, 0.5]
    state.step = 80
    gone_on, shares = loop(TrainerOptions(epochs=1000), None, lambda step: 1.0, state=state)
    assert shares[0] == 0.4 and rises(shares) and gone_on.ended_by == "max_time"


def test_room_is_left_for_the_last_evaluation_and_the_export() -> None:
    measured = LoopState(pause=20.0, first={"seconds": 15.0})
    assert time_for_steps(600.0, measured) == 600 - 20 - 15 - 3
    assert time_for_steps(20.0, measured) == 1.0


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (LoopState(step=90, best_step=60, ended_by="epochs"), "step 60 of 90, ended by epochs"),
        (LoopState(step=90, best_step=90, ended_by="max_time", max_seconds=99.0, seconds=90.0), "ended by max_time"),
        (LoopState(step=9, best_step=9, ended_by="epochs", max_seconds=99.0, seconds=96.0), "ended by epochs"),
        (
            LoopState(step=90, best_step=90, ended_by="epochs", max_seconds=1200.0, seconds=660.0),
            "ended by epochs with 9 min 00 s to spare; the last evaluation was the best: more epochs may help",
        ),
        (
            LoopState(step=90, best_step=60, ended_by="patience", max_seconds=100.0, seconds=60.0),
            "step 60 of 90, ended by patience with 40.0 s to spare",
        ),
    ],
)
def test_the_end_is_told_with_what_the_time_had_left(state: LoopState, told: str) -> None:
    assert ending(state).endswith(told)


def test_a_batch_is_as_far_as_the_step_that_takes_it() -> None:
    state = LoopState()
    plan = begin_plan(TrainerOptions(epochs=3, accumulate_steps=4), BATCHES, state)
    # Ten batches of an epoch make three steps: of four, four and two.
    found = [plan.progress_at(state, (1, number), 4) for number in range(BATCHES)]
    assert found == [pytest.approx((3 + step) / 9) for step in (0, 0, 0, 0, 1, 1, 1, 1, 2, 2)]
    timed = LoopState(max_seconds=60.0)
    plan = begin_plan(TrainerOptions(epochs=None), BATCHES, timed)
    assert plan.progress_at(timed, (5, 0), 1) == 0.0, "nothing is planned yet"
    timed.planned = [(0, 0.0, None), (4, 0.1, 40)]
    assert plan.progress_at(timed, (2, 2), 1) == pytest.approx(0.1 + 0.9 * 18 / 36)
