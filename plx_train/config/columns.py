"""Names with texts beside them, in two columns that fit the terminal."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

NARROWEST, WIDEST = 60, 120
INDENT, GAP = "  ", 2
FIRM = "\N{NO-BREAK SPACE}"
AS_IS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}


def terminal_width() -> int:
    """Columns of the terminal that text fills: lines of more than some hundred are hard to follow."""
    return min(max(shutil.get_terminal_size((WIDEST, 24)).columns, NARROWEST), WIDEST) - 1


def in_columns(entries: Mapping[str, str], width: int) -> Iterator[str]:
    """Lines of at most `width`; a name too long for its column has a line of its own."""
    left = min(max(map(len, entries)), width // 3) + GAP
    room = width - left - len(INDENT)
    for name, text in entries.items():
        lines = paragraph(text, room) or [""]
        if len(name) + GAP > left:
            yield f"{INDENT}{name}"
            name = ""
        for number, line in enumerate(lines):
            yield f"{INDENT}{'' if number else name:<{left}}{line}".rstrip()


def paragraph(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width`; names with hyphens stay whole, and so do brackets at its end that fit."""
    text = re.sub(r"\([^()]*\)$", lambda found: _whole(found[0]) if len(found[0]) <= width else found[0], text)
    return [line.replace(FIRM, " ") for line in textwrap.wrap(text, width, **AS_IS)]


def _whole(text: str) -> str:
    return text.replace(" ", FIRM)
