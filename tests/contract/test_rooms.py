"""Rooms that are not whole, or of another time, are told in a sentence instead of failing somewhere in a run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from kit.tiny_detector import TinyDetector
from plx_train.config.compose import compose_run
from plx_train.contract import rooms
from plx_train.contract.metric import Metric
from plx_train.contract.module import Module
from plx_train.contract.room import CONTRACT
from plx_train.contract.rooms import load_room, options_class, room_names
from plx_train.ground.errors import ConfigError, UserError
from plx_train.modules.text_det.metric import TextDetMetric
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.vision.module import ImageModule

Install = Callable[[str], None]
ROOM = """
from plx_train.modules.text_det.room import TextDetRoom

class Room(TextDetRoom):
    contract = {contract}
    name = "pretended"
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Writes a package with this ``room.py`` and has it found as if it were installed."""

    def write(text: str) -> None:
        folder = tmp_path / "pretended_room"
        folder.mkdir()
        (folder / "__init__.py").touch()
        if text:
            (folder / "room.py").write_text(text)

    monkeypatch.syspath_prepend(str(tmp_path))
    point = metadata.EntryPoint("pretended", "pretended_room", rooms.ENTRY_POINT_GROUP)
    installed = metadata.entry_points
    monkeypatch.setattr(metadata, "entry_points", lambda **given: [*installed(**given), point])
    load_room.cache_clear()
    yield write
    load_room.cache_clear()
    for name in [name for name in sys.modules if name.startswith("pretended_room")]:
        del sys.modules[name]


def test_a_room_of_another_package_is_found(install: Install) -> None:
    install(ROOM.format(contract=CONTRACT))
    assert "pretended" in room_names()
    assert load_room("pretended").name == "pretended"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ROOM.format(contract=CONTRACT + 1),
            rf"pretended \(pretended_room\) was written for version {CONTRACT + 1} of plx_train's contract, "
            rf"this is version {CONTRACT}: install a release of it that fits",
        ),
        ("", rf"pretended \(pretended_room\) has no room\.py, so it was written for a version .* before {CONTRACT}"),
        ("x = 1", r"pretended_room/room\.py must define one subclass of .*Room, not 0"),
        (
            f"from plx_train.contract.room import Room\n\nclass Mine(Room):\n    contract = {CONTRACT}\n",
            "is not whole: it lacks build, check, draw_samples, fit, metric, model_name, monitor, name, options",
        ),
    ],
)
def test_a_room_that_does_not_fit_is_told(install: Install, text: str, said: str) -> None:
    install(text)
    with pytest.raises(UserError, match=said):
        load_room("pretended")


def test_what_is_wrong_inside_a_room_is_not_taken_for_its_age(install: Install) -> None:
    install("import no_such_package")
    with pytest.raises(
        UserError, match=r"pretended \(pretended_room\) can't be imported, .*room\.py: No module named 'no_such"
    ):
        load_room("pretended")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (None, r"config\.py: No module named 'pretended_room\.config'"),
        ("class (", r"config\.py: "),
        ("raise RuntimeError('no licence')", r"config\.py: no licence"),
        ("raise RuntimeError", r"config\.py: RuntimeError"),
        ("x = 1", r'has no dataclass with name: str = "pretended" in config\.py'),
    ],
)
def test_options_that_can_not_be_read_stand_in_nobodys_way(install: Install, config: str | None, said: str) -> None:
    install(ROOM.format(contract=CONTRACT))
    if config is not None:
        Path(sys.path[0], "pretended_room", "config.py").write_text(config)
    assert compose_run(["module=text_det"]).options.module.name == "text_det"
    with pytest.raises(UserError, match=rf"pretended.*{said}"):
        options_class("pretended")


def test_a_preset_that_is_no_yaml_stands_in_nobodys_way(install: Install) -> None:
    install(ROOM.format(contract=CONTRACT))
    folder = Path(sys.path[0], "pretended_room", "conf", "module")
    folder.mkdir(parents=True)
    (folder / "pretended.yaml").write_text("a: [")
    assert compose_run(["module=text_det"]).options.module.name == "text_det"
    with pytest.raises(ConfigError, match=r"pretended\.yaml is no YAML"):
        compose_run(["module=pretended"])


def without(method: str) -> Any:
    """A module with all that the contract asks for, but for one method."""
    methods = {**vars(ImageModule), **vars(TinyDetector)}
    kept = {name: value for name, value in methods.items() if name == "__init__" or not name.startswith("_")}
    kept.pop(method, None)
    return type("Partial", (Module,), kept)


@pytest.mark.parametrize("method", ["forward", "loss", "export_network", "dataset", "collate", "outputs_to_numpy"])
def test_a_module_without_one_of_its_methods_can_not_be_made(method: str) -> None:
    assert without("nothing")().name == "text_det"
    with pytest.raises(TypeError, match=f"abstract method {method}"):
        without(method)()


def test_a_metric_says_which_of_its_numbers_are_errors() -> None:
    with pytest.raises(TypeError, match="Silent must say which of its numbers are errors"):
        type("Silent", (Metric,), {})
    assert TextDetMetric.errors == frozenset()


def test_a_processor_is_read_back_from_its_record() -> None:
    processor = TextDetProcessor(thresh=0.4, mean=(0.1, 0.2, 0.3))
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(processor).items()}
    assert TextDetProcessor.from_record(values) == processor
    with pytest.raises(UserError, match="the recorded processing is not of this version"):
        TextDetProcessor.from_record(values | {"charm": 1})
