"""Characters that nobody sees: which they are, what they are called, and how a text that holds them is shown."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

CONTROL_CATEGORIES = ("Cc", "Zl", "Zp", "Cs")
"""Control characters, separators of lines and of paragraphs, and halves of surrogate pairs."""
CONTROL_NAMES = {
    0x00: "NULL", 0x07: "BELL", 0x08: "BACKSPACE", 0x09: "TAB", 0x0A: "LINE FEED", 0x0B: "VERTICAL TAB",
    0x0C: "FORM FEED", 0x0D: "CARRIAGE RETURN", 0x1A: "SUBSTITUTE", 0x1B: "ESCAPE", 0x1C: "FILE SEPARATOR",
    0x1D: "GROUP SEPARATOR", 0x1E: "RECORD SEPARATOR", 0x1F: "UNIT SEPARATOR", 0x7F: "DELETE", 0x85: "NEXT LINE",
}  # fmt: skip
"""Unicode itself has no names for these."""
VISIBLE_FORMATS = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
"""Characters of the category of invisible formats, and yet drawn: signs that stand before Arabic numbers."""
BLANKS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Drawn as nothing, whatever their category: fillers, variation selectors, a joiner of marks."""
JOINERS = "\u200c\u200d"
SOFT_HYPHEN = "\u00ad"
EMOJI_SELECTORS = "\ufe0e\ufe0f"
KEYCAPS = tuple("0123456789#*")
LINES_AND_TABS = re.compile("([\n\t])")
FIRST_JOINED = 0x0590
"""Scripts from here on need joiners between letters; Latin, Greek and Cyrillic don't."""


@cache
def is_control(character: str) -> bool:
    """Whether it is an order to a terminal or a printer, and no part of a text."""
    return unicodedata.category(character) in CONTROL_CATEGORIES


@cache
def is_invisible(character: str) -> bool:
    """Whether it is drawn as nothing, without being a space or a control character."""
    is_format = unicodedata.category(character) == "Cf" and not VISIBLE_FORMATS.match(character)
    return is_format or bool(BLANKS.match(character))


def unseen(text: str) -> list[str]:
    """The control and invisible characters of a text, but for joiners where the script needs them."""
    if text.isascii() and text.isprintable():
        return []
    found = []
    for place, character in enumerate(text):
        if character in JOINERS:
            near = (text[place - 1 : place], text[place + 1 : place + 2])
            if all(each and (ord(each) >= FIRST_JOINED) for each in near):
                continue
        if is_control(character) or is_invisible(character):
            found.append(character)
    return found


def strip_unseen(text: str) -> str:
    """A text without the spaces, control and invisible characters at its ends, which no image shows.

    A soft hyphen stays, for at the end of a line it is drawn as a hyphen, and a selector stays with its character.
    """
    first, last = 0, len(text)
    while first < last and _is_outer(text[first]):
        first += 1
    while last > first and _is_outer(text[last - 1]):
        last -= 1
    return text[first:last]


def _is_outer(character: str) -> bool:
    if character.isspace() or is_control(character):
        return True
    return is_invisible(character) and character != SOFT_HYPHEN and unicodedata.category(character) != "Mn"


def code_points(text: str) -> str:
    """``U+0065 U+0301``."""
    return " ".join(f"U+{ord(character):04X}" for character in text)


def named(character: str) -> str:
    """``U+0085 (NEXT LINE)``."""
    known = "half of a surrogate pair" if unicodedata.category(character) == "Cs" else "control character"
    name = unicodedata.name(character, "") or CONTROL_NAMES.get(ord(character), known)
    return f"{code_points(character)} ({name})"


def all_named(characters: Iterable[str]) -> str:
    """Each of them once, named, in the order in which they come."""
    return ", ".join(named(character) for character in dict.fromkeys(characters))


def legible(text: str) -> str:
    """A text with what can't be seen or would steer a terminal spelled out, as ``a[U+0085]b``.

    Joiners between letters that need them stay, and the selectors that make a sign an emoji.
    """
    if _is_plain(text):
        return text
    return "".join(
        f"[{code_points(each)}]" if _is_spelled(each) and not _is_at_home(text, place) else each
        for place, each in enumerate(text)
    )


def legible_lines(text: str) -> str:
    """`legible` of each line; tabs stay."""
    if _is_plain(text):
        return text
    pieces = LINES_AND_TABS.split(text.replace("\r\n", "\n"))
    return "".join(piece if piece in ("\n", "\t") else legible(piece) for piece in pieces)


def bounded(text: str, most: int) -> str:
    """The first `most` characters of a text, and how many more there are."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} characters more)"


def json_text(value: Any, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """JSON to be read by people and programs: what can't be seen is written by JSON's own escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=default)
    if _is_plain(text):
        return text
    pieces = LINES_AND_TABS.split(text)
    return "".join(piece if piece == "\n" else _escaped(piece) for piece in pieces)


def _escaped(text: str) -> str:
    return "".join(
        _json_escape(each) if _is_spelled(each) and not _is_at_home(text, place) else each
        for place, each in enumerate(text)
    )


def _json_escape(character: str) -> str:
    # The one that JSON leaves alone.
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


def _is_plain(text: str) -> bool:
    # Some blanks count as printable.
    return text.isprintable() and (text.isascii() or not BLANKS.search(text))


@cache
def _is_spelled(character: str) -> bool:
    return is_control(character) or is_invisible(character)


def _is_at_home(text: str, place: int) -> bool:
    """Whether an invisible character does there what it is for."""
    before, after = text[place - 1 : place] if place else "", text[place + 1 : place + 2]
    if text[place] in JOINERS:
        return _is_joined(before) and _is_joined(after)
    if text[place] in EMOJI_SELECTORS:
        return before in KEYCAPS or unicodedata.category(before or " ") in ("So", "Sm", "Po", "Sk")
    return False


def _is_joined(character: str) -> bool:
    return bool(character) and (ord(character) >= FIRST_JOINED) and not is_control(character)
