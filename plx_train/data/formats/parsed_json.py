"""JSON that users hand in: of any size, depth and shape; what can't be used is said in a sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from plx_train.ground.files import read_limited

MAX_BYTES = 1 << 30
"""Larger files are no annotations."""
MAX_COORDINATE = 1e6
"""Pixels; beyond any image."""
NUMBERS = frozenset({int, float})
NUM_CORNERS = 48
"""Corners that stand for a circle."""


class JsonFault(Exception):
    """Why a file can't be used, in words that follow its name."""


def read_json(path: Path, mended: Callable[[str], str] = str) -> Any:
    """What a file says, with or without a byte order mark.

    Args:
        mended: makes JSON of the file's text, where people write what is nearly such.

    Raises:
        JsonFault: it can't be read, or is no JSON.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise JsonFault(f"has more than {MAX_BYTES >> 20} MiB, which no annotations have")
        return json.loads(mended(read_limited(path, MAX_BYTES).decode("utf-8-sig")))
    except OSError as error:
        raise JsonFault(f"can't be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise JsonFault("is not UTF-8: save it in that encoding") from None
    except RecursionError:
        raise JsonFault("is nested too deeply to be annotations") from None
    except json.JSONDecodeError as error:
        raise JsonFault(f"is no JSON: {error.msg} in line {error.lineno}") from None
    except ValueError as error:
        raise JsonFault(f"is no usable JSON: {error}") from None


def number(value: Any) -> float | None:
    """A finite number within reach of an image; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # An integer of a thousand digits is no float.
    is_near = -MAX_COORDINATE <= value <= MAX_COORDINATE
    return float(value) if is_near and math.isfinite(value) else None


def are_pairs(value: Any) -> bool:
    """Whether it is a list of pairs of numbers within reach of an image, as nearly all are."""
    if type(value) is not list:
        return False
    most = MAX_COORDINATE
    for pair in value:
        if type(pair) is not list or len(pair) != 2:
            return False
        x, y = pair
        if type(x) not in NUMBERS or type(y) not in NUMBERS or not (-most <= x <= most and -most <= y <= most):
            return False
    return True


def all_numbers(outlines: Sequence[Any]) -> list[float] | None:
    """x, y, x, y … of many outlines in one list; None where `are_pairs` does not hold for each of them."""
    if not set(map(type, outlines)) <= {list}:
        return None
    pairs = list(chain.from_iterable(outlines))
    if not set(map(type, pairs)) <= {list} or not set(map(len, pairs)) <= {2}:
        return None
    numbers = list(chain.from_iterable(pairs))
    # Not by the largest: NaN is neither larger nor smaller than what it is compared with.
    is_near = set(map(type, numbers)) <= NUMBERS and all(map(MAX_COORDINATE.__ge__, map(abs, numbers)))
    return numbers if is_near else None


def points(value: Any) -> tuple[tuple[float, float], ...] | None:
    """Corners x, y from a list of pairs; None where it is none."""
    if not isinstance(value, list) or not value:
        return None
    if are_pairs(value):
        return tuple((float(x), float(y)) for x, y in value)
    found = []
    for pair in value:
        numbers = [number(each) for each in pair] if isinstance(pair, list) and len(pair) == 2 else [None]
        if None in numbers:
            return None
        found.append((float(numbers[0] or 0), float(numbers[1] or 0)))
    return tuple(found)


def corners(left: float, top: float, right: float, bottom: float) -> tuple[tuple[float, float], ...]:
    """A box's four corners, clockwise from the top left."""
    left, right, top, bottom = min(left, right), max(left, right), min(top, bottom), max(top, bottom)
    return (left, top), (right, top), (right, bottom), (left, bottom)


def around(centre: tuple[float, float], edge: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """Corners of a circle by its centre and a point on it."""
    radius = math.dist(centre, edge)
    turns = (2 * math.pi * number / NUM_CORNERS for number in range(NUM_CORNERS))
    return tuple((centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn)) for turn in turns)


def text_of(value: Any) -> str:
    """A text; empty where the value is none."""
    return value if isinstance(value, str) else ""
