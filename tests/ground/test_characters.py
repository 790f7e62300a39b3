"""Characters that nobody sees are known, named and spelled out."""

from __future__ import annotations

import pytest

from plx_train.ground.characters import legible, named, strip_unseen, unseen


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
