"""Colours of classes in masks, from the files in which tools say them: CVAT's ``labelmap.txt``, CamVid's, and CSV."""

from __future__ import annotations

import re
from pathlib import Path

from plx_train.ground.files import read_limited

Colour = tuple[int, int, int]
"""Red, green and blue."""
NAMES = ("labelmap.txt", "label_colors.txt", "class_dict.csv")
"""What the files are called, in small letters."""
MAX_BYTES = 1 << 20
BY_COLONS = re.compile(r"([^:#]+):\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?::.*)?")
BY_SPACES = re.compile(r"(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})\s+(\S.*)")
BY_COMMAS = re.compile(r"([^,]+),\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*")


def read_colours(path: Path) -> dict[str, Colour]:
    """The colour of each class, in the order of the lines; nothing where the file says none."""
    try:
        text = read_limited(path, MAX_BYTES).decode("utf-8-sig")
    except (OSError, ValueError):
        return {}
    found: dict[str, Colour] = {}
    for line in text.splitlines():
        named, spaced = BY_COLONS.fullmatch(line) or BY_COMMAS.fullmatch(line), BY_SPACES.fullmatch(line.strip())
        if named:
            name, colour = named[1].strip(), (int(named[2]), int(named[3]), int(named[4]))
        elif spaced:
            name, colour = spaced[4].strip(), (int(spaced[1]), int(spaced[2]), int(spaced[3]))
        else:
            continue
        if max(colour) < 256:
            found.setdefault(name, colour)
    return found
