"""Outlines in label files: whether points are points, and what is odd about the outlines that they make."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from plx_train.data.formats.parsed_json import MAX_COORDINATE, all_numbers, are_pairs
from plx_train.data.label_file import LabelFile
from plx_train.vision.polygons import by_corners, is_simple, polygon_area

MIN_AREA = 1
"""Square pixels; smaller polygons are slips of the mouse or were clipped to nothing, and can't be found."""
MIN_CORNERS = 4


def read_points(value: Any, named: str, line: int, file: LabelFile) -> np.ndarray | None:
    """The corners float32 (P, 2), 4 at least, that a value of JSON holds; None, and a finding, where it holds none.

    Args:
        named: what they are the points of, for messages.
    """
    if are_pairs(value) and len(value) >= MIN_CORNERS:
        return np.asarray(value, np.float32)
    if not isinstance(value, list) or any(not isinstance(point, list) or len(point) != 2 for point in value):
        file.add(line, "error", "points-not-pairs", f"the points of {named} are not a list of [x, y]")
        return None
    if len(value) < MIN_CORNERS:
        file.add(line, "error", "too-few-points", f"{named} has {len(value)} points, {MIN_CORNERS} or more are needed")
        return None
    numbers = [item for point in value for item in point]
    if any(not isinstance(item, (int, float)) or isinstance(item, bool) for item in numbers):
        file.add(line, "error", "points-not-numbers", f"the points of {named} are not all numbers")
        return None
    if any(isinstance(item, float) and not math.isfinite(item) for item in numbers):
        file.add(line, "error", "points-not-finite", f"the points of {named} hold NaN or infinity")
        return None
    if any(abs(item) > MAX_COORDINATE for item in numbers):
        file.add(line, "error", "points-outside", f"the points of {named} lie millions of pixels away")
        return None
    return np.asarray(value, np.float32)


def plain_texts(values: Sequence[Any]) -> list[tuple[str, np.ndarray]] | None:
    """Transcription and corners float32 (P, 2) of each object of a line; None where one has to be looked at alone."""
    if not set(map(type, values)) <= {dict}:
        return None
    texts, outlines = ([value.get(key) for value in values] for key in ("transcription", "points"))
    numbers = all_numbers(outlines)
    if numbers is None or not set(map(type, texts)) <= {str}:
        return None
    counts = list(map(len, outlines))
    if min(counts, default=MIN_CORNERS) < MIN_CORNERS:
        return None
    corners, ends = np.asarray(numbers, np.float32).reshape(-1, 2), accumulate(counts)
    return [(text, corners[end - count : end]) for text, count, end in zip(texts, counts, ends, strict=True)]


def with_area(outlines: Sequence[np.ndarray], names: Sequence[str], line: int, file: LabelFile) -> np.ndarray:
    """Which outlines (P, 2) have an area, bool (N,); those that are odd are told.

    Args:
        names: what to call each.
    """
    has_area, simple = np.ones(len(outlines), bool), np.ones(len(outlines), bool)
    for indices, stacked in by_corners(outlines):
        has_area[indices] = polygon_area(stacked) >= MIN_AREA
        simple[indices] = is_simple(stacked)
    content = [outline.tobytes() for outline in outlines]
    counts = Counter(each for each, kept in zip(content, has_area, strict=True) if kept)
    is_twin = has_area & np.asarray([counts[each] > 1 for each in content], bool)
    for code, odd, reason in (
        ("empty-polygon", simple & ~has_area, f"below {MIN_AREA} square pixel in area and left out"),
        ("self-intersecting", ~simple, "crossed by the own outline: put the points in order, clockwise"),
        ("twin-polygon", is_twin, "there more than once"),
    ):
        if odd.any():
            concerned = [name for name, is_odd in zip(names, odd, strict=True) if is_odd]
            file.add(line, "warning", code, f"{_count(concerned)} {reason}")
    return has_area


def _count(names: Sequence[str]) -> str:
    """``the polygon of "a" is`` or ``3 polygons, first that of "a", are``, as a sentence's beginning."""
    first = f'"{names[0][:20]}"'
    return f"the polygon of {first} is" if len(names) == 1 else f"{len(names)} polygons, first that of {first}, are"
