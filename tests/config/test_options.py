"""An option's rules stand on its field: they are read, kept, told in one sentence each, and documented."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field

import pytest
from omegaconf import OmegaConf

from kit.places import ROOT
from plx_train.config.compose import compose_run
from plx_train.config.options import MODES
from plx_train.config.schema import has_trait, option_at, options_of_rooms, options_of_run, options_with_module
from plx_train.config.values import check_values
from plx_train.config.written import written
from plx_train.contract.option import (
    Option,
    Trait,
    TypedAs,
    above,
    at_least,
    length,
    multiple_of,
    one_of,
    option,
    options_of,
)
from plx_train.contract.sentences import describe
from plx_train.ground.errors import ConfigError
from plx_train.machine.device import WHEELS


@dataclass
class BrewOptions:
    """How tea is made.

    Not shown.
    """

    degrees: float = option(80.0, above(0, at_most=100))
    """Temperature of the water,
    in degrees Celsius."""
    kind: str = option("green", one_of("green", "black"), Trait.HARMLESS)
    """Leaves that are taken."""
    steps: list[float] = option([0.5, 1.0], at_least(0, below=2), length(2))
    leaves: int | None = option(None, multiple_of(4), TypedAs("l"))


@dataclass
class TeaOptions:
    size: int = 3
    brew: BrewOptions = option(BrewOptions, Trait.BARE)
    notes: dict[str, str] = field(default_factory=dict)


@dataclass
class IcedTeaOptions(TeaOptions):
    ice: bool = True
    """Adds ice."""


def test_what_a_field_says_is_read() -> None:
    found = options_of(IcedTeaOptions, "module")
    assert list(found) == [
        *("module.size", "module.brew.degrees", "module.brew.kind", "module.brew.steps", "module.brew.leaves"),
        *("module.notes", "module.ice"),
    ]
    degrees = found["module.brew.degrees"]
    assert (degrees.name, degrees.default, degrees.section) == ("degrees", 80.0, BrewOptions)
    assert degrees.sentence == "Temperature of the water, in degrees Celsius."
    assert found["module.ice"].sentence == "Adds ice." and found["module.size"].sentence == ""
    assert [one.values for one in found.values()] == [
        *("int", "float, above 0 and at most 100", "green or black", "list[float], 2 values, each from 0 to below 2"),
        *("int, a multiple of 4, or null", "dict[str, str]", "bool"),
    ]
    assert (describe(BrewOptions), describe(TeaOptions)) == ("How tea is made.", "")


def test_traits_of_a_section_are_those_of_its_options_and_a_short_key_is_one() -> None:
    found = options_of(TeaOptions)
    assert found["brew.kind"].traits == {Trait.BARE, Trait.HARMLESS} and found["size"].traits == set()
    assert {key: one.short for key, one in found.items() if one.short} == {
        "brew.degrees": "degrees",
        "brew.kind": "kind",
        "brew.steps": "steps",
        "brew.leaves": "l",
    }
    assert has_trait(found, "brew", Trait.BARE) and not has_trait(found, "brew", Trait.HARMLESS)
    held = option_at(found, "notes.of.mine")
    assert held is not None and held.key == "notes" and option_at(found, "nothing.here") is None


def test_defaults_are_each_run_s_own_and_hydra_takes_the_fields() -> None:
    TeaOptions().brew.steps.append(9.0)
    assert TeaOptions().brew.steps == [0.5, 1.0]
    assert OmegaConf.to_object(OmegaConf.structured(IcedTeaOptions)) == IcedTeaOptions()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"brew.kind": "grene"}, "brew.kind=grene does not exist; did you mean 'green'?"),
        ({"brew.kind": "oolong"}, "brew.kind=oolong does not exist; there is: green, black"),
        ({"brew.degrees": 0}, "brew.degrees=0 is out of range: it must be above 0 and at most 100"),
        ({"brew.degrees": float("nan")}, "brew.degrees=nan is out of range: it must be above 0 and at most 100"),
        ({"brew.steps": [1.0, 2.0]}, "brew.steps=[1.0, 2.0] is out of range: each must be from 0 to below 2"),
        ({"brew.steps": [1.0]}, "brew.steps=[1.0] must have 2 values, not 1, as in [0.5,1.0]"),
        ({"brew.leaves": 6}, "brew.leaves=6 is out of range: it must be a multiple of 4"),
        ({"brew.leaves": -4}, "brew.leaves=-4 is out of range: it must be a multiple of 4"),
    ],
)
def test_values_that_can_not_be_are_told_in_one_sentence(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_values(options_of(TeaOptions), values)
    assert str(caught.value) == said


def test_values_at_the_ends_and_none_are_taken() -> None:
    ends = {"brew.degrees": 100, "brew.steps": [0, 1.99], "brew.leaves": None, "brew.kind": "black"}
    check_values(options_of(TeaOptions), ends)


def test_a_module_s_values_are_checked_when_its_run_is_composed() -> None:
    with pytest.raises(ConfigError, match=r"^module\.loss\.shrink_loss=dise does not exist; did you mean 'dice'\?$"):
        compose_run(["module.loss.shrink_loss=dise"])
    with pytest.raises(ConfigError, match=r"^module\.size=\[64\] must have 2 values, not 1, as in \[224,224\]$"):
        compose_run(["module=image_cls", "module.size=[64]"])
    with pytest.raises(ConfigError, match=r"^module\.augment\.mixup=-1\.0 is out of range: it must be at least 0$"):
        compose_run(["module=image_cls", "module.augment.mixup=-1"])


@pytest.mark.parametrize(("key", "value"), [("device.type", "gpuu"), ("device.conv_backend", "onedn")])
def test_devices_and_backends_are_checked_too(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(key)}={value} does not exist; did you mean '{value[:3]}"):
        compose_run([f"{key}={value}"])


def test_a_path_of_a_module_needs_no_quotes() -> None:
    assert compose_run(["module=text_rec", "module.dict=/my (own)/a=b.txt"]).options.module.dict == "/my (own)/a=b.txt"


def test_rooms_that_declare_plain_fields_are_as_good() -> None:
    found = options_with_module(TeaOptions())
    assert found["module.size"].values == "int" and "trainer.epochs" in found
    check_values(found, {"module.size": -1})


def test_default_values_keep_their_own_rules() -> None:
    """Recipes are held by `test_every_shipped_yaml_composes`; this holds the fields."""
    check_values(options_of_run(), {key: one.default for key, one in options_of_run().items()})
    for one in options_of_rooms():
        check_values({one.key: one}, {one.key: one.default})


def shown() -> list[Option]:
    every = (*options_of_run().values(), *options_of_rooms())
    return [one for one in every if Trait.INTERNAL not in one.traits]


def test_every_option_has_a_sentence_that_begins_with_its_noun_or_a_verb() -> None:
    begins = re.compile(r"(?!(Of|The|A|An|What|Which|How|Where|When|Why|For|If|null) )[A-Z]")
    faults = [
        f"{one.key} of {one.section.__name__}: {one.sentence!r}"
        for one in shown()
        if not begins.match(one.sentence) or not one.sentence.endswith(".")
    ]
    assert faults == []


def test_every_section_says_what_it_is_about() -> None:
    assert [one.section.__name__ for one in shown() if not describe(one.section).endswith(".")] == []
    assert not [text for one in shown() if (text := describe(one.section)).startswith("Of ")]


def test_the_types_of_devices_are_those_that_have_a_build() -> None:
    choices = options_of_run()["device.type"].choices
    assert choices is not None and choices.names == ("auto", "cpu", *WHEELS)


def test_every_mode_has_its_file_and_every_file_its_sentence() -> None:
    files = {path.stem: path for path in (ROOT / "plx_train" / "modes").glob("*.py") if path.stem != "__init__"}
    assert set(MODES) == set(files)
    assert [
        name for name, path in files.items() if "\ndef run(composed: Composed)" not in path.read_text("utf-8")
    ] == []
    assert all(len(sentence.split()) > 3 for sentence in MODES.values())


def test_values_are_written_as_they_are_typed() -> None:
    assert [written(value) for value in (None, True, [0.5, None], {"a": [1]}, "x", 5e-05)] == [
        *("null", "true", "[0.5,null]", "{a:[1]}", "x", "5e-05")
    ]


def test_the_document_has_what_the_fields_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    sys.modules.pop("document_options", None)
    import document_options

    text = document_options.FILE.read_text("utf-8")
    assert document_options.renewed(text) == text, (
        "docs/configuration.md is not what the options' fields say: run python scripts/document_options.py --write"
    )
