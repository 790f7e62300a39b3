"""Paths, ids and names stay the very text that was typed; mappings take any key."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from plx_train.config.compose import compose_run, composed_from
from plx_train.config.schema import options_with_module
from plx_train.contract.option import Trait
from plx_train.contract.rooms import options_class
from plx_train.ground.errors import ConfigError
from plx_train.sweep.multirun import combinations

KEYS = {
    "output": "output",
    "run": "run",
    "input": "input",
    "resume": "resume",
    "init_from": "init_from",
    "pipeline": "pipeline",
    "weights": "weights.source",
    "sweep_id": "sweep.id",
    "sweep.id": "sweep.id",
    "dataset.train": "dataset.train",
    "dataset.val": "dataset.val",
    "dataset.name": "dataset.name",
    "dataset.columns.time": "dataset.columns.time",
    "tracking.uri": "tracking.uri",
    "tracking.experiment": "tracking.experiment",
    "tracking.run_name": "tracking.run_name",
    "alias": "promote.alias",
    "delete": "promote.delete",
    "device.name": "device.name",
    "module.model_name": "module.model_name",
    "models.TextDetection": "models.TextDetection",
    "device.env.NAME": "device.env.NAME",
}
LIKE_NUMBERS = ("2024_11_28", "1.50", "1e5", "12e4", "007", "1_000", "inf", "NaN", "true", "-1", "0x1f", "v1.0", ".5")
PATHS = (
    *("a%2Fb", "a%20b", "a b", "q?x=1", "#h", "a&b+c", "it's", 'a"b', "back\\slash", "end\\", "new\nline", "tab\tx"),
    *("\u00e9", "e\u0301", "-leading", "~tilde", "k=v", "../up", "./here", "[1]", "{a: b}", "(x)", "a,b", "a, b", "$x"),
    *("*", "'", '"', "'a", 'a"', "!x", "^", "a:b", "a;b|c", "\\'", "数据"),
)  # fmt: skip


@pytest.mark.parametrize(("key", "full"), KEYS.items())
def test_what_looks_like_a_number_stays_as_typed(key: str, full: str) -> None:
    for text in ("2024_11_28", "1.50", "007"):
        assert compose_run([f"{key}={text}"]).flat[full] == text


@pytest.mark.parametrize("text", LIKE_NUMBERS)
def test_a_path_that_looks_like_a_number_stays_as_typed(text: str) -> None:
    flat = compose_run([f"output={text}", f"dataset.root={text}", f"run={text}"]).flat
    assert (flat["output"], flat["run"], Path(flat["dataset.root"])) == (text, text, Path.cwd() / text)


@pytest.mark.parametrize("text", PATHS)
def test_any_path_is_taken_and_recorded(text: str) -> None:
    composed = compose_run([f"output={text}", f"input={text}", f"dataset.root=/data/{text}", f"models.A={text}"])
    again = composed_from(OmegaConf.create(composed.yaml), ())
    for options in (composed.options, again.options):
        assert (options.output, options.input, options.models) == (text, text, {"A": text})
        assert Path(options.dataset.root) == Path(f"/data/{text}")


def test_quotes_around_a_whole_text_are_not_of_it() -> None:
    assert compose_run(["output='a b'", 'input="a, b"']).options.output == "a b"
    assert compose_run(["output=''a''"]).options.output == "''a''"


def test_a_reference_is_one_until_it_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "/over/there")
    assert compose_run(["output=${oc.env:WHERE}/x"]).options.output == "/over/there/x"
    composed = compose_run([r"output=a\${b}", r"dataset.root=/data/\${c}"])
    again = composed_from(OmegaConf.create(composed.yaml), ()).options
    assert (again.output, again.dataset.root) == ("a${b}", "/data/${c}")


def test_a_folder_that_is_called_like_a_reference_may_hold_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "${x}").mkdir()
    monkeypatch.chdir(tmp_path / "${x}")
    assert compose_run(["dataset.root=mine"]).options.dataset.root == str(tmp_path / "${x}" / "mine")


def test_null_is_none_where_there_may_be_none() -> None:
    composed = compose_run(["output=null", "weights=null", "dataset.root=null"]).options
    assert (composed.output, composed.weights.source, Path(composed.dataset.root).name) == (None, None, "null")


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("[2021, 1e3]", ["2021", "1e3"]),
        ("[T (degC)]", ["T (degC)"]),
        ("['T (degC)',\"a,b\"]", ["T (degC)", "a,b"]),
        ("[p, f(x,y), null]", ["p", "f(x,y)", "null"]),
        ("[(, a]", ["(", "a"]),
        ("[it's, b]", ["it's", "b"]),
    ],
)
def test_names_in_lists_stay_as_typed(typed: str, names: list[str]) -> None:
    composed = compose_run(["module=ts_forecast", f"dataset.columns.targets={typed}"])
    assert composed.options.dataset.columns.targets == names


def test_mappings_take_any_key() -> None:
    scales = {"^a.b": 2.0, "x:y": 0.1, "(a|b), c": 1.0}
    typed = 'optimizer.lr_scale={^a.b: 2, "x:y": 1e-1, "(a|b), c": 1}'
    assert compose_run([typed]).options.optimizer.lr_scale == scales
    assert compose_run(["optimizer.lr_scale.blocks.0.*=0.5"]).options.optimizer.lr_scale == {"blocks.0.*": 0.5}
    models = compose_run(["models={A: 2024_11, B: models:/x@champion}"]).options.models
    assert models == {"A": "2024_11", "B": "models:/x@champion"}
    assert compose_run(["device.flags={a: 1}", "+device.flags.b=x"]).options.device.flags == {"a": 1, "b": "x"}


@pytest.mark.parametrize(
    ("typed", "models"),
    [
        ("{a: 'x, b: y'}", {"a": "x, b: y"}),
        ('{a: \'x, y\', "b": "}{, ("}', {"a": "x, y", "b": "}{, ("}),
        ("{a: 'it\\'s, so', b:c}", {"a": "it's, so", "b": "c"}),
        ("{a: x : y, b: C:/z}", {"a": "x : y", "b": "C:/z"}),
        ("{'a: b' : 'c: d'}", {"a: b": "c: d"}),
        ("{a: it's, b: that's}", {"a": "it's", "b": "that's"}),
    ],
)
def test_quotes_protect_the_values_of_a_mapping_too(typed: str, models: dict[str, str]) -> None:
    assert compose_run([f"models={typed}"]).options.models == models


def test_values_of_mappings_that_are_lists_or_several_stay_whole() -> None:
    flags = compose_run(["device.flags={a: ['x], y', 1], b: {c: 'd, e'}}"]).options.device.flags
    assert flags == {"a": ["x], y", 1], "b": {"c": "d, e"}}
    params = compose_run(["sweep.params={optimizer.lr: '1e-3,1e-2', seed: 'range(1,3)'}"]).options.sweep.params
    assert params == {"optimizer.lr": "1e-3,1e-2", "seed": "range(1,3)"}


@pytest.mark.parametrize("typed", ["output=", "dataset.root=", "dataset.train=''", "dataset.columns.targets=['']"])
def test_an_empty_text_is_none_that_was_meant(typed: str) -> None:
    with pytest.raises(ConfigError, match=r"^[\w.]+ is empty: give it a value, or leave it out$"):
        compose_run([typed])


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'output=a\\udcff' is no text in UTF-8: rename the file"):
        compose_run(["output=a\udcff"])


def test_values_that_vary_stay_as_typed_too() -> None:
    runs = combinations(["dataset.root=2024_11,1.50,data", "output=a (b)"])
    given = [compose_run([text for text in run if text.startswith("dataset.root")]) for run in runs]
    assert [Path(one.options.dataset.root).name for one in given] == ["2024_11", "1.50", "data"]
    assert compose_run(runs[0]).options.output == "a (b)"


@pytest.mark.parametrize(
    ("typed", "key", "values"),
    [
        ("weights.source=null,auto", "weights.source", [None, "auto"]),
        ("weights=null,auto", "weights.source", [None, "auto"]),
        ("weights=1e5,auto", "weights.source", ["1e5", "auto"]),
        ("dataset.columns.group=null,a", "dataset.columns.group", [None, "a"]),
        ("trainer.max_time=null,5m", "trainer.max_time", [None, "5m"]),
        ("dataset.name=null,a", "dataset.name", ["null", "a"]),
    ],
)
def test_null_among_values_that_vary_is_none_where_there_may_be_none(
    typed: str, key: str, values: list[str | None]
) -> None:
    runs = combinations(["module=ts_forecast", typed])
    assert [compose_run(run).flat[key] for run in runs] == values


def test_texts_that_vary_may_hold_brackets() -> None:
    for typed in ("/tmp/a (1),/tmp/b", "/tmp/b,/tmp/a (1)", "/tmp/a [x,/tmp/b", "/tmp/{a},/tmp/b(2)"):
        runs = combinations([f"dataset.root={typed}"])
        assert [compose_run(run).options.dataset.root for run in runs] == typed.split(",")
    assert len(combinations(["dataset.root=choice(a,b)"])) == len(combinations(["dataset.root=sort(b,a)"])) == 2
    runs = combinations(["module=ts_forecast", "dataset.columns.targets=[a],[b,c]"])
    assert [compose_run(run).options.dataset.columns.targets for run in runs] == [["a"], ["b", "c"]]


def test_every_option_of_texts_is_one_in_every_room() -> None:
    for key, one in options_with_module(options_class("text_rec")).items():
        is_free = not one.choices and not one.forms and Trait.INTERNAL not in one.traits
        if one.type_name == "str" and is_free:
            value = compose_run(["module=text_rec", f"{shlex.quote(key)}=1_0"]).flat[key]
            assert str(value).endswith("1_0"), key
