"""What a command that looks at a model takes from the run that made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from plx_train.config.compose import compose_run
from plx_train.ground.errors import UserError
from plx_train.runs.folder import CONFIG_FILE
from plx_train.workflow.source import Source, with_recorded_options


@pytest.fixture
def source(tmp_path: Path) -> Source:
    recorded = compose_run(["module=image_cls", "module.label_smoothing=0.3", "dataset.cache_mb=4", "seed=7"])
    (tmp_path / CONFIG_FILE).write_text(recorded.yaml)
    return Source(tmp_path / "best", None, tmp_path)


def test_the_runs_module_data_and_seed_are_taken_and_told(source: Source) -> None:
    composed = with_recorded_options(compose_run(["mode=evaluate", "device=cpu"]), source)
    options = composed.options
    assert (options.mode, options.device.type, options.seed) == ("evaluate", "cpu", 7)
    assert (options.module.name, options.module.label_smoothing, options.dataset.name) == ("image_cls", 0.3, "clothes")
    assert (composed.flat["module.name"], composed.flat["dataset.name"]) == ("image_cls", "clothes")
    assert "name: image_cls" in composed.yaml and "text_det" not in composed.yaml


def test_what_the_command_line_says_anew_holds(source: Source) -> None:
    typed = ["mode=evaluate", "dataset.root=/elsewhere", "dataset.val=other.txt"]
    options = with_recorded_options(compose_run(typed), source).options
    assert (options.module.name, options.dataset.root, options.dataset.val) == ("image_cls", "/elsewhere", "other.txt")
    assert options.dataset.cache_mb == 4
    of_room = ["module=image_cls", "dataset=fashion_mnist", "mode=evaluate"]
    assert with_recorded_options(compose_run(of_room), source).options.dataset.name == "fashion_mnist"


def test_a_folder_that_is_called_like_a_reference_is_taken(source: Source) -> None:
    typed = ["mode=evaluate", r"dataset.root=/elsewhere/\${x}", r"dataset.val=\${y}.txt", "module=image_cls"]
    options = with_recorded_options(compose_run(typed), source).options.dataset
    assert (options.root, options.val) == ("/elsewhere/${x}", "${y}.txt")


@pytest.mark.parametrize(
    "text", ["", "- a", "a: [", "dataset: {}", "\x00", "0", "module: {h: }", "module: 5", "module:"]
)
def test_a_configuration_that_is_torn_has_a_sentence(source: Source, text: str) -> None:
    assert source.run
    (source.run / CONFIG_FILE).write_text(text)
    with pytest.raises(UserError, match=r"config\.yaml (can't be read|is no configuration of a run)"):
        with_recorded_options(compose_run(["mode=evaluate"]), source)


def test_a_configuration_of_an_unknown_module_has_a_sentence(source: Source) -> None:
    assert source.run
    (source.run / CONFIG_FILE).write_text("module: {name: nothing}")
    with pytest.raises(UserError, match="the module type nothing is none of"):
        with_recorded_options(compose_run(["mode=evaluate"]), source)
