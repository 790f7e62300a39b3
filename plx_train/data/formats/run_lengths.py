"""Run-length encodings of what is marked, as COCO has them: as lengths, or these packed into a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plx_train.contract.truth import RunLengths

MOST_PIXELS = 100_000_000
FIRST, BITS = 48, 5
"""The character that stands for 0, and the bits that each holds of a number, the lowest first."""
MORE, NEGATIVE = 0x20, 0x10
"""A character's bit that says that another follows, and of the last one that the number is below 0."""
LONGEST = 7
"""Characters of a number."""


def runs_of(given: Any) -> RunLengths | None:
    """The runs that a value of JSON says, ``{"size": [h, w], "counts": [...] or "..."}``; None where it says none."""
    if not isinstance(given, dict):
        return None
    size, counts = given.get("size"), given.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(_is_length(side) and side for side in size):
        return None
    lengths = unpacked(counts) if isinstance(counts, str) else counts
    if not isinstance(lengths, list) or not all(map(_is_length, lengths)):
        return None
    height, width = size
    return RunLengths((height, width), tuple(lengths)) if sum(lengths) == height * width <= MOST_PIXELS else None


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_PIXELS


def unpacked(text: str) -> list[int] | None:
    """The lengths in a packed text, in which from the fourth on each is told by how it differs from the last but one.

    None where it is no such text.
    """
    lengths: list[int] = []
    value = place = 0
    for letter in text:
        code = ord(letter) - FIRST
        if not 0 <= code < 2 * MORE or place == LONGEST:
            return None
        value |= (code % MORE) << (BITS * place)
        place += 1
        if code & MORE:
            continue
        if code & NEGATIVE:
            value -= 1 << (BITS * place)
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = place = 0
    return None if place else lengths


def packed(lengths: Sequence[int]) -> str:
    """The text that `unpacked` reads."""
    letters = []
    for place, length in enumerate(lengths):
        value = length - (lengths[place - 2] if place > 2 else 0)
        while True:
            low, value = value % MORE, value >> BITS
            is_last = value == (-1 if low & NEGATIVE else 0)
            letters.append(chr(FIRST + low + (0 if is_last else MORE)))
            if is_last:
                break
    return "".join(letters)
