"""What a search tries next where its sampler would repeat itself, on spaces small enough to count by hand."""

from __future__ import annotations

from random import Random

import pytest

from plx_train.sweep.space import Space, parse_space
from plx_train.sweep.untried import key_of_values, num_combinations, untried


def space(*arguments: str, when: list[str] | None = None) -> Space:
    return parse_space(list(arguments), {}, when or [], is_grid=False)


@pytest.mark.parametrize(
    ("found", "number"),
    [
        (space("a=1,2", "b=x,y,z"), 6),
        (space("a=range(2, 10, 3)", "b=int(interval(1, 4))"), 12),
        (space("a=range(0.1, 0.4, 0.1)"), 3),
        (space("a=x,y", "b=1,2,3", when=["b if a=x"]), 4),
        (space("a=x", "b=1,2", "c=interval(0.0, 1.0)", when=["c if a=z"]), 2),
        (space("a=1,2", "b=interval(0.0, 1.0)"), 20),
        (space("a=x,y", "b=interval(0.0, 1.0)", when=["b if a=y"]), 20),
        (space("a=range(100)", "b=range(100)"), 20),
    ],
)
def test_combinations_are_counted_up_to_what_is_asked_for(found: Space, number: int) -> None:
    assert num_combinations(found, 20) == number


def test_of_a_small_space_the_nearest_is_taken_until_there_is_none() -> None:
    found, tried, order = space("a=1,2", "b=range(0, 10, 2)"), set(), []
    near = {"a": "1", "b": 4}
    while (values := untried(found, near, {key_of_values(near), *tried}, Random(0))) is not None:
        tried.add(key_of_values(values))
        order.append((values["a"], values["b"]))
    assert set(order[:2]) == {("1", 2), ("1", 6)}
    assert len(order) == len(set(order)) == 9


def test_numbers_with_a_step_are_those_that_samplers_give() -> None:
    import optuna

    found = space("a=range(0.1, 0.8, 0.1)")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = set()
    for trial in [study.ask() for _ in range(99)]:
        drawn.add(key_of_values({one.name: one.suggest(trial) for one in found.parameters}))
    assert drawn == {key_of_values(values) for values in found.combinations()}


def test_where_some_values_have_no_end_another_is_drawn() -> None:
    found = space("a=x,y", "b=tag(log, interval(1e-4, 1e-1))", when=["b if a=y"])
    values = untried(found, {"a": "x"}, {key_of_values({"a": "x"})}, Random(0))
    assert values is not None and values["a"] == "y" and 1e-4 <= values["b"] <= 1e-1


def test_of_a_large_space_another_is_drawn() -> None:
    found = space("a=range(200)", "b=range(200)")
    values = untried(found, {"a": 1, "b": 1}, {key_of_values({"a": 1, "b": 1})}, Random(0))
    assert values is not None and values != {"a": 1, "b": 1}
