"""Which runs go on past a rung."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from plx_train.sweep.halving import HalvingPruner


def is_ended(values: list[float], others: list[list[float]], direction: str = "maximize", first: int = 1) -> bool:
    """Whether a run with these evaluations is ended beside others that are over."""
    study = optuna.create_study(direction=direction, pruner=HalvingPruner(first, 3))
    for curve in others:
        study.add_trial(trial_of(curve))
    trial = study.ask({"x": FloatDistribution(0, 1)})
    for step, value in enumerate(values, 1):
        trial.report(value, step)
    return trial.should_prune()


def trial_of(curve: list[float]) -> Any:
    steps = dict(enumerate(curve, 1))
    kind = {"x": FloatDistribution(0, 1)}
    return create_trial(state=TrialState.PRUNED, params={"x": 0.5}, distributions=kind, intermediate_values=steps)


@pytest.mark.parametrize(("value", "ended"), [(0.6, False), (0.45, False), (0.35, True)])
def test_a_third_goes_on_rounded_up(value: float, ended: bool) -> None:
    # With itself five have come there, of which two go on.
    assert is_ended([value], [[0.5], [0.4], [0.3], [0.2]]) is ended


def test_the_first_at_a_rung_goes_on_and_equals_do() -> None:
    assert not is_ended([0.1], [])
    assert not is_ended([0.5], [[0.5], [0.5]])


def test_runs_are_judged_at_rungs_alone_and_among_those_that_came_there() -> None:
    ahead = [[0.9] * 3] * 3
    assert [is_ended([0.1] * length, ahead, first=3) for length in (1, 2, 3)] == [False, False, True]
    assert not is_ended([0.1] * 4, ahead)
    assert not is_ended([0.1] * 9, ahead)


def test_the_best_evaluation_counts_up_to_the_rung() -> None:
    assert not is_ended([0.2, 0.8, 0.3], [[0.1, 0.2, 0.7]] * 4)
    assert is_ended([0.2, 0.3, 0.4], [[0.1, 0.6, 0.1]] * 4)
    assert not is_ended([0.2, 0.3, 0.5], [[0.1, 0.2, 0.4, 0.9]] * 4), "what others came to later does not count"


def test_less_is_better_where_it_is() -> None:
    assert is_ended([0.9], [[0.5]] * 3, "minimize")
    assert not is_ended([0.1], [[0.5]] * 3, "minimize")
