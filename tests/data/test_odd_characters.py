"""What is odd about the characters of labels, each with the first line that has it."""

from __future__ import annotations

import pytest

from plx_train.data.odd_characters import character_findings, control_findings


def told(*texts: str) -> dict[str, tuple[int, str]]:
    """Line and reason by code."""
    found = character_findings("train.txt", enumerate(texts, 1), "texts")
    assert all(item.level == "warning" and item.path == "train.txt" for item in found)
    return {item.code: (item.line, item.reason) for item in found}


@pytest.mark.parametrize(
    "texts",
    [
        ("plain", "text"),
        ("é", "è"),
        ("e\u0301",),
        ("，", ","),
        ("Ａ",),
        ("ﬁ", "fi"),
        ("ſ", "s"),
        ("…", "."),
        ("²", "2"),
    ],
)
def test_ordinary_texts_have_no_finding(texts: tuple[str, ...]) -> None:
    assert told(*texts) == {}


def test_control_and_invisible_characters_are_counted_and_named() -> None:
    found = told("ab", "a\x85b", "a\u200bb\x85", "\u200b\u200b")
    line, reason = found["control-character"]
    assert line == 2 and reason.startswith("2 of 4 texts hold control characters") and "U+0085 (NEXT LINE) 2×" in reason
    line, reason = found["invisible-character"]
    assert line == 3 and "2 of 4 texts" in reason and "U+200B (ZERO WIDTH SPACE) 3×" in reason


def test_two_forms_of_one_character_are_told() -> None:
    line, reason = told("e\u0302", "caf\u00e9", "cafe\u0301", "cafe\u0301s")["mixed-forms"]
    assert line == 3 and "é as U+00E9 and as U+0065 U+0301 2×" in reason


@pytest.mark.parametrize(
    ("one", "other"), [("\u00c5", "\u212b"), ("\u03a9", "\u2126"), ("\ud55c", "\u1112\u1161\u11ab")]
)
def test_other_characters_with_two_forms(one: str, other: str) -> None:
    assert "mixed-forms" in told(one, other) and told(other) == {}


@pytest.mark.parametrize(("one", "other"), [(" ", "\u00a0"), ("\u03bc", "\u00b5"), ("A", "\uff21"), ("1", "\uff11")])
def test_characters_that_look_alike_are_a_hint(one: str, other: str) -> None:
    line, reason = told("x", f"x{one}", f"x{other}")["compatibility-forms"]
    assert line == 3 and f"U+{ord(other):04X}" in reason


def test_control_characters_alone() -> None:
    assert [item.code for item in control_findings("f", [(1, "\u200b"), (2, "\x01")], "texts")] == ["control-character"]
