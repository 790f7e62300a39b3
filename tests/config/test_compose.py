"""Composition: typed, resolved, and every shipped YAML holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from plx_train.config.compose import compose_run, composed_from, default_values
from plx_train.config.groups import GROUPS, group_options
from plx_train.config.options import ColumnsOptions
from plx_train.config.values import flatten
from plx_train.contract.rooms import room_names
from plx_train.ground.credentials import VARIABLE, with_credentials
from plx_train.ground.durations import parse_duration, readable_duration
from plx_train.ground.errors import ConfigError, UserError
from plx_train.sweep.multirun import combinations

SHIPPED = [(group, option) for group in GROUPS for option in group_options(group)]


@pytest.mark.parametrize(("group", "option"), SHIPPED, ids=lambda value: str(value))
def test_every_shipped_yaml_composes(group: str, option: str) -> None:
    composed = compose_run([f"{group}={option}"])
    assert composed.options.module.name in room_names()
    assert group_options(group)[option], "its first comment is its line in --help"


def test_values_arrive_typed() -> None:
    options = compose_run(["trainer.epochs=3", "optimizer.lr=1e-4", "weights=null", "device.ids=[1]"]).options
    assert (options.trainer.epochs, options.optimizer.lr, options.weights.source) == (3, 1e-4, None)
    assert options.device.ids == [1]


def test_weights_is_a_value_and_a_section() -> None:
    options = compose_run(["weights=PP-OCRv4_mobile_det", "weights.allow_partial=true"]).options
    assert (options.weights.source, options.weights.allow_partial) == ("PP-OCRv4_mobile_det", True)


def test_a_plus_before_a_short_key_adds_nothing() -> None:
    assert compose_run(["+weights=PP-OCRv4_mobile_det"]).options.weights.source == "PP-OCRv4_mobile_det"


def test_dataset_root_alone_takes_a_users_data() -> None:
    options = compose_run(["dataset.root=/data/mine"]).options
    assert (options.dataset.root, options.dataset.train, options.dataset.val) == ("/data/mine", "train.txt", "val.txt")


@pytest.mark.parametrize(
    "name",
    ["my data (final), v=2", "it's", 'a"b', "50%", "[1]", "{a}", "a\\b", "数据", "~x", "a:b", "null", "1e3", "a=b"],
)
def test_any_path_survives(name: str) -> None:
    assert compose_run([f"dataset.root=/data/{name}"]).options.dataset.root == f"/data/{name}"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("module=null", "module=null is no preset"),
        ("dataset=null", "dataset=null is no preset"),
        ("~dataset", r"dataset\.root has no value"),
        ("module.name=text_rec", r"module\.name=text_rec names another module: give module=… and leave it out"),
        ("module.name=nothing", "the module type nothing is none of"),
        ("+foo=1", "key 'foo' does not exist"),
        ("+seed=2", r"^seed is there already: leave out the \+ before it$"),
        ("dataset.root=~nosuchuser/x", "~nosuchuser/x names the home of a user who does not exist here"),
        ("optimizer.freeze=['(']", r"optimizer\.freeze: '\(' is no regular expression: missing \), unterminated"),
        ("optimizer.lr_scale={*a:0.1}", r"optimizer\.lr_scale: '\*a' is no regular expression: nothing to repeat"),
        ("device.threads=0", r"device\.threads=0 is out of range: it must be from 1 to 1024"),
        ("seed=3000000000", "it must be from 0 to 2147483647"),
    ],
)
def test_what_can_not_be_composed_has_a_sentence(typed: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        compose_run([typed])


def test_the_yaml_reproduces_the_run(tmp_path: Path) -> None:
    composed = compose_run(["trainer.epochs=3", "dataset=pages_lines"])
    assert "epochs: 3" in composed.yaml
    assert "train_lines.txt" in composed.yaml
    assert "${" not in composed.yaml


@pytest.mark.parametrize(
    "former",
    [
        *(
            "optimizer.clip_norm=0.0",
            "device.threads=0",
            "optimizer.step_milestones=[0.9,0.5]",
            "tracking.experiment=''",
        ),
        *("optimizer.momentum=1.0", "trainer.min_delta=-0.1", "dataset.name=''", "optimizer.freeze=['*bias']"),
    ],
)
def test_what_a_former_version_let_a_run_begin_with_is_refused_only_anew(former: str) -> None:
    key, _, text = former.partition("=")
    recorded = OmegaConf.create(compose_run([]).yaml)
    OmegaConf.update(recorded, key, OmegaConf.create(f"value: {text}").value, merge=False)
    kept = composed_from(recorded, [former]).flat[key]
    assert kept == compose_run([former], is_recorded=True).flat[key] == OmegaConf.select(recorded, key)
    with pytest.raises(ConfigError, match=key):
        compose_run([former])
    OmegaConf.update(recorded, key, {"a": 1}, merge=False)
    with pytest.raises(ConfigError, match="can't be used: "):
        composed_from(recorded, [])


def test_names_of_a_recorded_configuration_are_those_that_there_are() -> None:
    recorded = OmegaConf.create(compose_run([]).yaml)
    recorded.trainer.oom = "halv"
    with pytest.raises(ConfigError, match="did you mean 'halve'"):
        composed_from(recorded, [])


def test_defaults_show_what_a_run_changed() -> None:
    composed = compose_run(["dataset=pages_lines", "trainer.epochs=3"])
    defaults = default_values(composed)
    changed = {key for key, value in composed.flat.items() if defaults[key] != value}
    assert changed == {"trainer.epochs"}


def test_mappings_with_free_keys() -> None:
    options = compose_run(["optimizer.lr_scale.head=2.0", "device.env.A=b", "+device.flags.c=1"]).options
    assert options.optimizer.lr_scale == {"head": 2.0}
    assert options.device.env == {"A": "b"}


def test_a_mapping_with_free_keys_may_be_given_as_a_whole() -> None:
    options = compose_run(["device.flags={use_stride_kernel: 0}", "models={TextDetection: a}"]).options
    assert options.device.flags == {"use_stride_kernel": 0}
    assert options.models == {"TextDetection": "a"}


@pytest.mark.parametrize("override", ["trainer.nothing=1", "nothing=1", "module.augment.scael=[1,2]"])
def test_unknown_keys_are_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        compose_run([override])


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("45", 45), ("0.5h", 1800), (None, None)]
)
def test_durations(text: str | None, seconds: float | None) -> None:
    assert parse_duration(text, "trainer.max_time") == seconds


@pytest.mark.parametrize("text", ["", "soon", "5x", "-3m", "0s", "3 m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError, match=r"trainer\.max_time"):
        parse_duration(text, "trainer.max_time")


def test_no_time_is_told_of_whatever_it_is_a_time_for() -> None:
    with pytest.raises(ConfigError, match=r"^trainer\.save_interval=0s is no time at all: it must be more than 0s"):
        compose_run(["trainer.save_interval=0s"])


def test_durations_for_people() -> None:
    assert [readable_duration(value) for value in (4.24, 185, 3725)] == ["4.2 s", "3 min 05 s", "1 h 02 min"]


def test_sweeps_are_every_combination() -> None:
    runs = combinations(["optimizer.lr=1e-4,1e-3", "seed=range(1,3)", "dataset=pages"])
    assert len(runs) == 4
    assert runs[0] == ["dataset=pages", "optimizer.lr=0.0001", "seed=1"]
    assert runs[1] == ["dataset=pages", "optimizer.lr=0.0001", "seed=2"], "the last changes fastest"


def test_flatten() -> None:
    assert flatten({"a": {"b": 1, "c": [2]}, "d": None}) == {"a.b": 1, "a.c": [2], "d": None}


def test_own_data_in_place_of_the_embedded_set_have_neither_its_name_nor_its_columns() -> None:
    own = compose_run(["module=ts_forecast", "dataset.root=/somewhere/loads"]).options.dataset
    assert (own.name, own.columns) == ("loads", ColumnsOptions())
    named = compose_run(["module=ts_forecast", "dataset.root=/somewhere/loads", "dataset.columns.time=t"])
    assert named.options.dataset.columns == ColumnsOptions(time="t")
    embedded = compose_run(["module=ts_forecast"]).options.dataset
    assert (embedded.name, embedded.columns.targets) == ("traffic", ["traffic_volume"])
    section = compose_run(["module=ts_forecast", "dataset={root: /somewhere/loads}"]).options.dataset
    assert (section.name, section.columns) == ("loads", ColumnsOptions())
    section = compose_run(
        ["module=ts_forecast", "dataset={root: /somewhere/loads, columns: {time: t}}"]
    ).options.dataset
    assert section.columns == ColumnsOptions(time="t")
    recipe = compose_run(["experiment=electricity", "dataset.root=/elsewhere/data"]).options.dataset
    assert (recipe.name, recipe.columns.targets) == ("electricity", ["load"])


@pytest.mark.parametrize(
    ("given", "epochs"),
    [
        (["module=text_det", "trainer.max_time=20m"], None),
        (["module=text_det", "trainer.max_time=20m", "trainer.epochs=10"], 10),
        (["module=text_det", "trainer.max_time=20m", "trainer.max_steps=5"], 10),
        (["experiment=electricity", "trainer.max_time=20m"], 6),
        (["module=text_det", "debug=overfit", "trainer.max_time=20m"], 1000),
        (["module=text_det"], 10),
        (["module=text_det", "trainer={max_time: 20m}"], None),
        (["module=text_det", "trainer={max_time: 20m, epochs: 10}"], 10),
        (["module=text_det", "trainer={max_time: 20m}", "trainer.epochs=10"], 10),
        (["module=text_det", "trainer.max_time=null"], 10),
        (["module=text_det", "trainer.epochs=null", "trainer.max_steps=5"], None),
    ],
)
def test_a_time_takes_the_place_of_a_recipes_epochs_but_not_of_those_given(
    given: list[str], epochs: int | None
) -> None:
    composed = compose_run(given)
    assert composed.options.trainer.epochs == composed.flat["trainer.epochs"] == epochs


def test_a_run_without_an_end_is_told() -> None:
    with pytest.raises(ConfigError, match=r"trainer.epochs=null: give trainer.max_time or trainer.max_steps"):
        compose_run(["module=text_det", "trainer.epochs=null"])


TYPED = {
    "by the environment": ("tracking.uri=postgresql://u:${oc.env:PLX_PW}@h/db", "${oc.env:PLX_PW}"),
    "with a comma": ("tracking.uri=postgresql://u:lang\\,wort99@h/db", "postgresql://u@h/db"),
    "with a space": ("tracking.uri='postgresql://u:lang wort99@h/db'", "postgresql://u@h/db"),
    "with a quote": ("tracking.uri='postgresql://u:lang\\'wort99@h/db'", "postgresql://u@h/db"),
}


@pytest.mark.parametrize("way", TYPED)
def test_a_password_is_opened_by_and_kept_nowhere(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "{}")
    monkeypatch.setenv("PLX_PW", "lang-wort99")
    typed, kept = TYPED[way]
    composed = compose_run(["module=text_det", "dataset=pages", typed])
    assert composed.options.tracking.uri == "postgresql://u@h/db"
    assert "wort99@h/db" in with_credentials("postgresql://u@h/db")
    assert kept in composed.overrides[-1]
    assert "wort99" not in composed.yaml + " ".join(composed.overrides)
    again = compose_run(composed.overrides)
    assert again.options.tracking.uri == "postgresql://u@h/db"


def test_a_password_that_a_former_version_recorded_is_put_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "{}")
    composed = compose_run(["module=text_det", "dataset=pages"])
    again = composed_from(OmegaConf.create(composed.yaml), ["tracking.uri=postgresql://me:hunter22@h/runs"])
    assert again.overrides == ("tracking.uri=postgresql://me@h/runs",)


def test_what_a_command_changes_stays_its_own(tmp_path: Path) -> None:
    before = compose_run(["module=image_cls"]).flat
    changed = compose_run(["module=image_cls", f"dataset.root={tmp_path}", "device.env.A=b", "trainer.max_time=5m"])
    assert changed.flat != before
    assert compose_run(["module=image_cls"]).flat == default_values(changed) == before
