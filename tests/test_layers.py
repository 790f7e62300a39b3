"""The rules about the sources hold, and each finds the faults that it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.allowed import ALLOWED
from kit.planted import PLANTED
from kit.rules import sizes
from kit.rules.known import KNOWN, NUMBERS, RULES, compared
from kit.rules.rooms import CORE_WITHOUT_PADDLE, reaches_paddle
from kit.sources import PACKAGE, room_of, sources

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_holds(rule: str) -> None:
    new, gone = compared(RULES[rule](ROOT, **NUMBERS.get(rule, {})), KNOWN.get(rule, ()))
    assert new == []
    assert gone == [], "take these off the table of what is known"


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_fault_is_found(case: str, tmp_path: Path) -> None:
    rule, files, expected = PLANTED[case]
    assert sorted(RULES[rule](plant(tmp_path, files))) == sorted(expected)


@pytest.mark.parametrize("case", ALLOWED)
def test_what_is_allowed_is_no_fault(case: str, tmp_path: Path) -> None:
    rule, files = ALLOWED[case]
    assert RULES[rule](plant(tmp_path, files)) == []


def test_every_rule_is_shown_to_find_something() -> None:
    assert {rule for rule, *_ in PLANTED.values()} == {*RULES}
    assert {*KNOWN} <= {*RULES}


def test_a_known_fault_that_is_gone_is_told() -> None:
    found = ["a.py:7: is bad", "b.py:9: is worse"]
    assert compared(found, ("a.py: is bad", "c.py: was bad")) == (["b.py:9: is worse"], ["c.py: was bad"])


def test_numbers_of_older_rooms_fall_with_them(tmp_path: Path) -> None:
    room = f"{PACKAGE}/modules/old"
    root = plant(tmp_path, {f"{room}/__init__.py": "", f"{room}/module.py": "x = 1\n" * 700})
    assert sizes.room_size_faults(root, {"old": 710}) == []
    assert sizes.room_size_faults(root, {"old": 690}) == [f"{room}: has 700 lines of .py, 690 are the most"]
    assert sizes.room_size_faults(root, {"old": 800}) == [f"{room}: has 700 lines of .py: let its number fall from 800"]
    assert sizes.room_size_faults(root, {"old": 710, "older": 9}) == [
        f"{PACKAGE}/modules/older: is gone: take its number away"
    ]


def test_exceptions_for_functions_are_needed(tmp_path: Path) -> None:
    root = plant(tmp_path, {f"{PACKAGE}/a.py": "def long():\n" + "    x = 1\n" * 60 + "def wide(a, b):\n    pass\n"})
    assert sizes.function_faults(root, {"a.py long": 61}, {}) == []
    assert sizes.function_faults(root, {"a.py long": 60}, {}) == [f"{PACKAGE}/a.py:1: long has 61 lines"]
    assert sizes.function_faults(root, {"a.py long": 61}, {"a.py wide": 9}) == [
        f"{PACKAGE}/a.py wide: needs no exception any more (parameters)"
    ]


@pytest.mark.parametrize(
    ("through", "chain"),
    [
        ("from plx_train.drawing import line", ["plx_train.drawing", "paddle"]),
        ("from plx_train import drawing", ["plx_train.drawing", "paddle"]),
        ("from ... import drawing", ["plx_train.drawing", "paddle"]),
        ("from plx_train.boards import pen", ["plx_train.boards.pen", "plx_train.boards", "mlflow.x"]),
        ("def f():\n    from plx_train import drawing", []),
    ],
)
def test_paddle_behind_another_import_is_found(through: str, chain: list[str], tmp_path: Path) -> None:
    files = {
        "__init__.py": "",
        "modules/text_det/data.py": through,
        "drawing.py": "import paddle",
        "boards/__init__.py": "from mlflow import x",
        "boards/pen.py": "",
    }
    root = plant(tmp_path, {f"{PACKAGE}/{name}": text for name, text in files.items()})
    found = reaches_paddle(root, f"{PACKAGE}.modules.text_det.data")
    assert found == ([f"{PACKAGE}.modules.text_det.data", *chain] if chain else [])


def test_there_is_something_to_look_at() -> None:
    modules = sources(ROOT)
    assert {room_of(module) for module in modules} >= {None, "text_det"}
    assert f"{PACKAGE}.train.loop" in modules
    missing = [name for name in CORE_WITHOUT_PADDLE if f"{PACKAGE}.{name}" not in modules]
    assert missing == [], "the list of what starts quickly names files that are gone"
