"""``--help`` with words: options from the fields that declare them, in lines that fit, without anything heavy."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from plx_train.__main__ import main
from plx_train.config.explain import explain
from plx_train.config.groups import GROUPS, presets
from plx_train.config.options import MODES
from plx_train.config.schema import options_of_run
from plx_train.config.usage import usage
from plx_train.contract.option import Trait, options_of
from plx_train.contract.rooms import options_class, room_names

SECTIONS = sorted({key.partition(".")[0] for key in options_of_run() if "." in key})
PRESETS = [f"{group}={name}" for group in GROUPS for name in presets(group)]


def entry(text: str, name: str) -> str:
    """What a help text says of ``name=default``, in one line."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"  {name}"))
    following = lines[first + 1 :]
    ends = (number for number, line in enumerate(following) if not line.startswith("   "))
    return " ".join(" ".join([lines[first], *following[: next(ends, len(following))]]).split())


@pytest.mark.parametrize("width", [79, 119])
@pytest.mark.parametrize("word", [*SECTIONS, *GROUPS, *PRESETS, "mode", *(f"mode={name}" for name in MODES)])
def test_everything_can_be_asked_for_and_fits(word: str, width: int) -> None:
    text = explain([word], width)
    assert text.startswith(word.partition("=")[0])
    # A name that is longer than its column, a path for example, may stick out; text may not.
    assert [line for line in text.splitlines() if len(line) > width and " " in line.strip()] == []


@pytest.mark.parametrize("width", [79, 119])
def test_the_overview_fits_and_names_every_mode_and_preset(width: int) -> None:
    lines = usage(width).splitlines()
    assert [line for line in lines if len(line) > width] == []
    first_words = {line.split()[0] for line in lines if line.startswith("  ")}
    assert first_words >= {*MODES, *(text.partition("=")[2] for text in PRESETS)}


@pytest.mark.parametrize("room", ["image_cls", "text_det", "text_rec", "ts_anomaly", "ts_cls", "ts_forecast"])
def test_a_module_s_help_has_all_its_options_and_none_that_are_not_for_hand(room: str) -> None:
    text = " ".join(explain([f"module={room}"], 119).split())
    for one in options_of(options_class(room), "module").values():
        if Trait.INTERNAL not in one.traits:
            assert f" {one.name}=" in text and f" {one.sentence} ({one.values}" in text
    assert " name=" not in text


def test_an_option_shows_default_sentence_type_range_and_choices() -> None:
    text = explain(["module=text_rec"], 79)
    assert entry(text, "guide_max_length=") == (
        "guide_max_length=25 Longest text that the guide learns, in characters and two signs; of longer ones CTC alone "
        "learns. (int, at least 3)"
    )
    assert entry(text, "guide=").endswith("(none or nrtr)")
    assert entry(text, "merged=").endswith("(bool or null)")


def test_a_recipe_shows_its_own_values_and_what_they_were() -> None:
    text = explain(["module=doc_ori"], 119)
    assert text.startswith("module=doc_ori  Page orientation")
    assert "Options of the room image_cls." in text
    assert "It also sets dataset=pages trainer.epochs=14 " in text
    assert entry(text, "rotations=").startswith("rotations=[0,90,180,270] Makes the classes")
    assert entry(text, "resize_short=").endswith("(int, at least 8, or null; image_cls has 256)")
    assert entry(text, "network=").startswith("network=EfficientNet-Lite0 ")
    # Equal to the default, though the recipe says it too.
    assert entry(text, "size=").endswith("(list[int], 2 values, each at least 8)")


def test_presets_among_the_words_count_for_what_is_asked_for_beside_them() -> None:
    assert "epochs=10  " in explain(["module=text_det", "trainer.epochs"], 79)
    assert "network=PatchTST" in explain(["experiment=electricity", "module.network"], 79)
    assert "horizon=24" in explain(["module.horizon"], 79), "of the one room that has it"
    networks = explain(["module.network"], 79)
    assert {room for room in room_names() if f"room {room}." in networks} == {
        room for room in room_names() if hasattr(options_class(room), "network")
    }, "of each room that has one"


def test_a_room_of_another_package_is_explained_though_it_declares_plain_fields(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tea_room").mkdir()
    (tmp_path / "tea_room" / "__init__.py").touch()
    (tmp_path / "tea_room" / "config.py").write_text(
        'from dataclasses import dataclass\n\n\n@dataclass\nclass TeaConfig:\n    """Options of tea."""\n\n'
        '    name: str = "tea"\n    leaves: int = 3\n    """Leaves a cup."""\n    sugar: bool = False\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    points = [metadata.EntryPoint("tea", "tea_room", "plx_train.modules")]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)
    text = explain(["module=tea"], 79)
    assert "module.*  Options of tea." in text
    assert entry(text, "leaves=") == "leaves=3 Leaves a cup. (int)" and entry(text, "sugar=") == "sugar=false (bool)"


def test_one_option_a_short_key_and_one_in_a_mapping() -> None:
    assert len(explain(["device.ids"], 79).splitlines()) == 3
    assert "alias=champion" in explain(["alias"], 79)
    assert "  source=auto" in explain(["weights=null"], 79) and "allow_partial=false" in explain(["weights"], 79)
    assert "  env={}" in explain(["device.env.HOME=x"], 79)


@pytest.mark.parametrize("words", [["--help", "trainer"], ["trainer", "-h"], ["-m", "trainer", "--help", "--cfg"]])
def test_words_may_stand_in_any_order(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("trainer.*  ")


@pytest.mark.parametrize("words", [["--cfg"], ["--cfg", "job"], ["--cfg=job"]])
def test_the_configuration_is_shown_as_hydra_users_ask_for_it(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "module=ts_cls"]) == 0 and capsys.readouterr().out.startswith("mode: train\n")
    assert main(["module=ts_cls", *words]) == 0


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("module=text_dett", "module=text_dett does not exist; did you mean 'text_det'?"),
        ("device=gpuu", "device=gpuu does not exist; did you mean 'gpu'?"),
        ("mode=trian", "mode=trian does not exist; did you mean 'train'?"),
        ("trianer", "there is no help on 'trianer'; did you mean 'trainer'?"),
        ("trainer.epohcs=3", "there is no help on 'trainer.epohcs'; did you mean 'trainer.epochs'?"),
        ("module.horizn", "there is no help on 'module.horizn'; did you mean 'module.horizon'?"),
        ("xyzzy", "there is no help on 'xyzzy'; --help alone shows what there is"),
    ],
)
def test_an_unknown_name_is_told(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help", word]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"error: {said}\n")


def test_help_comes_at_once_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from plx_train.__main__ import main; main(['--help', 'module=ts_forecast', 'trainer']); "
        "sys.exit(' '.join({'paddle', 'mlflow', 'hydra', 'omegaconf', 'pandas'} & set(sys.modules)) or None)"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    # A third of a second on an idle machine; tests share theirs.
    assert time.perf_counter() - started < 5


def test_a_reader_that_has_seen_enough_gets_no_complaint(tmp_path: Path) -> None:
    command = f"{sys.executable} -m plx_train --help {' '.join(SECTIONS)} | head -1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stderr, len(done.stdout.splitlines())) == ("", 1)


def test_the_width_is_the_terminal_s_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    from plx_train.config.columns import terminal_width

    widths = []
    for columns in ("20", "80", "120", "400"):
        monkeypatch.setenv("COLUMNS", columns)
        widths.append(terminal_width())
    assert widths == [59, 79, 119, 119]
