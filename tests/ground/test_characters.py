"""Characters that nobody sees are known, named and spelled out."""

from __future__ import annotations

import json

import pytest

from plx_train.ground.characters import json_text, legible, legible_lines, named, strip_unseen, unseen


@pytest.mark.parametrize("character", ["\x00", "\x07", "\r", "\x1c", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_control_characters_are_spelled_out(character: str) -> None:
    assert legible(f"a{character}b") == f"a[U+{ord(character):04X}]b"
    assert unseen(f"a{character}b") == [character]


@pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\u200e", "\u00ad", "\u2060", "\ufe0f", "\u3164", "\u202e"])
def test_invisible_characters_are_found(character: str) -> None:
    assert unseen(f"a{character}b") == [character]


@pytest.mark.parametrize(
    "text", ["plain", "é", "e\u0301", "中文", "می\u200cخواهم", "\u0600\u0661", "a b", "\u3000", "👩\u200d🚀"]
)
def test_what_is_seen_or_needed_is_left_alone(text: str) -> None:
    assert unseen(text) == [] and legible(text) == text


def test_joiners_are_needless_between_latin_letters() -> None:
    assert unseen("a\u200db") == ["\u200d"]


def test_names() -> None:
    assert named("\x85") == "U+0085 (NEXT LINE)"
    assert named("\u200b") == "U+200B (ZERO WIDTH SPACE)"
    assert named("\ud800") == "U+D800 (half of a surrogate pair)"
    assert named("\x90") == "U+0090 (control character)"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\ufeffab\u200b", "ab"),
        (" a\x85b\x85 ", "a\x85b"),
        ("\u200e\u2029", ""),
        ("word\u00ad", "word\u00ad"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
        ("a b", "a b"),
    ],
)
def test_ends_are_freed_of_what_no_image_shows(text: str, left: str) -> None:
    assert strip_unseen(text) == left


@pytest.mark.parametrize(
    "text", ["\u2764\ufe0f", "1\ufe0f\u20e3", "\u26a0\ufe0e", "👩\u200d⚕\ufe0f", "\u2764\ufe0f\u200d🔥"]
)
def test_emoji_stay_whole(text: str) -> None:
    assert legible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u200db", "a[U+200D]b"),
        ("\u200dא", "[U+200D]א"),
        ("a\ufe0f", "a[U+FE0F]"),
        ("a\u034fb\u3164", "a[U+034F]b[U+3164]"),
        ("א\u202eב\u2067ג\u200f\u061c", "א[U+202E]ב[U+2067]ג[U+200F][U+061C]"),
        ("🏴\U000e0067\U000e007f", "🏴[U+E0067][U+E007F]"),
    ],
)
def test_what_hides_is_spelled_out(text: str, shown: str) -> None:
    assert legible(text) == shown


def test_lines_and_tabs_stay_in_a_text_of_lines() -> None:
    assert legible_lines("a\tb\r\nc\rd\x85e\n") == "a\tb\nc[U+000D]d[U+0085]e\n"


def test_json_keeps_what_it_spells() -> None:
    value = {"a\u202e": ["\x7f\x9b\x1b\udc80", "中\n", "👩\u200d🚀"]}
    for indent in (None, 1):
        text = json_text(value, indent)
        assert json.loads(text) == value
        assert legible_lines(text) == text and "中" in text and "👩\u200d🚀" in text
