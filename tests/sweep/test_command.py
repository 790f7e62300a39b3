"""``-m`` as users give it: mistakes told before anything starts, what varies, and names."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from plx_train.config.compose import compose_run
from plx_train.ground.errors import ConfigError, UserError
from plx_train.sweep.history import find_sweep
from plx_train.sweep.order import order, sweep_id, trial_overrides
from plx_train.sweep.space import parse_space

TINY = (
    *("module=image_cls", "device=cpu", "module.network=PP-LCNet_x0_25", "weights=null", "module.size=[32,32]"),
    *("dataset.limit=32", "trainer.batch_size=16", "trainer.ema_decay=null", "trainer.eval_every_epochs=1"),
)
MISTAKES = {
    "an interval in a grid": (["optimizer.lr=interval(1e-5,1e-3)"], "add sweep=tpe"),
    "ends the wrong way round": (["sweep=tpe", "optimizer.lr=interval(1e-3,1e-5)"], "first must be less"),
    "a magnitude of nothing": (["sweep=tpe", "optimizer.lr=tag(log, interval(0.0,1e-5))"], "above 0"),
    "a misspelt key": (["optimizer.lrr=1,2"], "did you mean 'optimizer.lr'?"),
    "a misspelt choice": (["sweep=tpe", "module=text_det,text_dett"], "did you mean 'text_det'?"),
    "a value out of range": (["trainer.batch_size=4,0"], "at least 1"),
    "an end out of range": (["sweep=tpe", "optimizer.lr=interval(-1.0,1.0)"], "at least 0"),
    "what names the run": (["output=a,b"], "output can't vary"),
    "a sweep in a sweep": (["sweep.workers=1,2"], "sweep.workers can't vary"),
    "seeds twice": (["seed=1,2", "sweep.seeds=2"], "leave out sweep.seeds"),
    "nothing to search": (["sweep=tpe"], "nothing to search"),
    "two objectives and a pruner": (
        ["sweep=tpe", "sweep.pruner=asha", "sweep.objectives=[val/hmean,min:latency_ms]", "seed=1,2"],
        "with several objectives",
    ),
    "a direction": (["sweep=tpe", "sweep.objectives=[least:latency_ms]", "seed=1,2"], "min:latency_ms"),
    "a condition": (["sweep=tpe", "sweep.when=['seed when x']", "seed=1,2"], "key if other.key=value"),
    "a condition on nothing": (["sweep=tpe", "sweep.when=['onnx if seed=1']", "seed=1,2"], "does not vary"),
    "rungs that are one": (["sweep=tpe", "sweep.reduction=1", "seed=1,2"], "must be at least 2"),
    "a pruner": (["sweep=tpe", "sweep.pruner=ashaa", "seed=1,2"], "did you mean 'asha'?"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_before_anything_starts(name: str) -> None:
    arguments, told = MISTAKES[name]
    with pytest.raises(ConfigError, match=told.replace("?", r"\?")):
        order(arguments)


def test_hydras_words_become_distributions() -> None:
    space = parse_space(
        ["a=tag(log, interval(1e-5, 1e-2))", "b=interval(0.0, 0.5)", "c=int(interval(1, 9))", "d=range(2, 10, 3)",
         "e=choice(x, y)", "f=1,2", "g=range(0.1, 0.4, 0.1)"],
        {}, [], is_grid=False,
    )  # fmt: skip
    trial = optuna.create_study().ask()
    for one in space.parameters:
        one.suggest(trial)
    shown = [str(trial.distributions[one.name]) for one in space.parameters]
    assert shown == [
        "FloatDistribution(high=0.01, log=True, low=1e-05, step=None)",
        "FloatDistribution(high=0.5, log=False, low=0.0, step=None)",
        "IntDistribution(high=9, log=False, low=1, step=1)",
        "IntDistribution(high=8, log=False, low=2, step=3)",
        "CategoricalDistribution(choices=('x', 'y'))",
        "CategoricalDistribution(choices=('1', '2'))",
        "FloatDistribution(high=0.3, log=False, low=0.1, step=0.1)",
    ]


def test_a_parameter_varies_only_where_its_condition_holds() -> None:
    when = ["b if a=x", "c if b=2"]
    space = parse_space(["c=5,6", "b=1,2", "a=x,y", "d=0"], {}, when, is_grid=True)
    assert [one.key for one in space.parameters] == ["a", "b", "c"], "what others depend on comes first"
    assert space.grid() == [
        {"a": "x", "b": "1"},
        {"a": "x", "b": "2", "c": "5"},
        {"a": "x", "b": "2", "c": "6"},
        {"a": "y"},
    ]
    with pytest.raises(ConfigError, match="circle"):
        parse_space(["a=1,2", "b=1,2"], {}, ["a if b=1", "b if a=1"], is_grid=True)


def test_a_file_says_what_varies_and_the_command_line_counts() -> None:
    params = {"optimizer.lr": "tag(log, interval(1e-5, 1e-2))", "trainer.batch_size": "2,4"}
    space = parse_space(["seed=3", "trainer.batch_size=8,16"], params, [], is_grid=False)
    assert space.fixed == ("seed=3",)
    assert {one.name: one.choices for one in space.parameters} == {
        "trainer.batch_size": ("8", "16"),
        "optimizer.lr": (),
    }
    assert next(one for one in space.parameters if one.name == "optimizer.lr").is_log


def test_an_even_search_over_magnitudes_gets_a_hint() -> None:
    hints = parse_space(["a=interval(1e-5, 1e-2)", "b=interval(0.1, 0.5)"], {}, [], is_grid=False).hints()
    assert len(hints) == 1 and "tag(log, interval(1e-05, 0.01))" in hints[0]


def test_the_command_names_the_sweep_whatever_its_workers() -> None:
    search = ["sweep=tpe", "optimizer.lr=interval(1e-5,1e-3)"]
    names = [sweep_id(order([*search, *more])) for more in ([], ["sweep.workers=2"], ["sweep.trials=60"])]
    assert len(set(names)) == 1
    assert sweep_id(order([*search, "trainer.epochs=3"])) != names[0]


def test_runs_get_what_is_not_the_sweeps_own() -> None:
    given = ["sweep=tpe", "sweep.trials=3", "output=x", "seed=2", "dataset.root=/a b"]
    assert trial_overrides(given) == ["seed=2", "dataset.root=/a b"]


def test_a_sweep_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "text_det-12345678").mkdir()
    (tmp_path / "text_det-12345678" / "sweep.json").write_text("{}")
    assert find_sweep(tmp_path, "text_det-123").name == "text_det-12345678"
    with pytest.raises(UserError, match="did you mean text_det-12345678"):
        find_sweep(tmp_path, "textdet-12345678")


def test_a_small_space_bounds_the_trials() -> None:
    search = ["sweep=tpe", "trainer.batch_size=2,4", "seed=range(1, 4)"]
    found = order(search)
    assert (found.num_trials, found.num_combinations) == (6, 6)
    found = order([*search, "sweep.trials=5"])
    assert (found.num_trials, found.num_combinations) == (5, None)
    found = order([*search, "optimizer.lr=interval(1e-5,1e-3)"])
    assert (found.num_trials, found.num_combinations) == (20, None)


def test_a_run_that_is_given_its_time_is_taken_to_have_some_evaluations() -> None:
    search = ["sweep=tpe", "seed=1,2", "trainer.eval_every_epochs=1"]
    assert order([*search, "trainer.max_time=5m"]).num_evaluations == 10
    assert order([*search, "trainer.max_time=5m", "trainer.epochs=4"]).num_evaluations == 4
    assert order([*search, "trainer.max_time=5m", "trainer.eval_every_steps=3"]).num_evaluations == 10


@pytest.mark.parametrize("typed", ["1m,5m", "'1m','5m'", '"1m","5m"', "1m,'5m','1m'"])
@pytest.mark.parametrize("condition", ["seed if trainer.max_time=5m", "seed if trainer.max_time='5m',\"6m\""])
def test_texts_that_vary_have_no_quotes_but_on_the_command_line(typed: str, condition: str) -> None:
    space = parse_space([f"trainer.max_time={typed}", "seed=1,2"], {}, [condition], is_grid=True)
    first, second = space.parameters
    assert (first.choices, str(first), str(second)[:7]) == (("1m", "5m"), "1m,5m", "1,2 if ")
    assert space.grid() == [
        {"trainer.max_time": "1m"},
        {"trainer.max_time": "5m", "seed": "1"},
        {"trainer.max_time": "5m", "seed": "2"},
    ]
    assert space.overrides(space.grid()[2]) == ["trainer.max_time='5m'", "seed=2"]


def test_a_condition_holds_for_what_all_runs_have_with_or_without_quotes() -> None:
    for fixed in ("trainer.max_time=5m", "trainer.max_time='5m'"):
        assert len(parse_space([fixed, "seed=1,2"], {}, ["seed if trainer.max_time=5m"], True).grid()) == 2
    assert parse_space(["trainer.max_time=1m", "seed=1,2"], {}, ["seed if trainer.max_time=5m"], True).grid() == [{}]


def test_quotes_stay_where_they_make_another_value() -> None:
    space = parse_space(["weights=null,'null'", "dataset.root='a,b',c"], {}, [], is_grid=True)
    assert [one.choices for one in space.parameters] == [("null", "'null'"), ("a,b", "c")]
    assert [str(one) for one in space.parameters] == ["null,'null'", "'a,b',c"]
    assert space.overrides(space.grid()[2]) == ["weights='null'", "dataset.root='a,b'"]


def test_mappings_take_any_key_and_may_vary() -> None:
    fixed = ["optimizer.lr_scale..*bias=1", "device.flags={^a.b: 2}", "models={A: 'x, b: y'}", "models.B=it's"]
    assert parse_space([*fixed, "seed=1,2"], {}, [], is_grid=True).fixed == tuple(fixed)
    space = parse_space(["optimizer.lr_scale..*bias=1,0.5", "models.A=1e5,b (2)"], {}, [], is_grid=True)
    assert [space.overrides(values) for values in space.grid()][1::2] == [
        ["optimizer.lr_scale..*bias=1", "models.A=b (2)"],
        ["optimizer.lr_scale..*bias=0.5", "models.A=b (2)"],
    ]
    composed = compose_run(space.overrides(space.grid()[2])).options
    assert (composed.optimizer.lr_scale, composed.models) == ({".*bias": 0.5}, {"A": "1e5"})
    search = parse_space(["optimizer.lr_scale..*bias=interval(0.1,1.0)"], {}, [], is_grid=False)
    assert search.parameters[0].override(0.5) == "optimizer.lr_scale..*bias=0.5"
    whole = parse_space(["optimizer.lr_scale={a.*: 1},{b.*: 2}"], {}, [], is_grid=True)
    assert [compose_run(whole.overrides(values)).options.optimizer.lr_scale for values in whole.grid()] == [
        {"a.*": 1.0},
        {"b.*": 2.0},
    ]
