"""Foreign words as they stand in a line on a terminal."""

from __future__ import annotations

import re

from plx_train.ground.characters import bounded, legible

MOST_CHARACTERS = 8000
"""More of one message are not shown: a name can be as long as its maker likes."""
BREAK = re.compile(r"\s*\r?\n\s*")


def shown(text: object) -> str:
    """A text on one line: what can't be seen or would steer a terminal is spelled out, the end of a huge one cut."""
    return legible(bounded(str(text), MOST_CHARACTERS))


def one_line(message: object) -> str:
    """A sentence that may hold what a library said in several lines, as one."""
    return shown(" ".join(part for part in BREAK.split(str(message)) if part))


def cell_text(value: object) -> str:
    """A table's cell: floats at four digits, None as a dash."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else shown(value)
