"""What a COCO file holds: classes, annotations of each image, corners of a box; as far as they can be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any

from plx_train.data.formats.parsed_json import number, points, text_of

Rows = Mapping[Hashable, list[dict[str, Any]]]
"""The annotations of each image, by its id."""


def is_id(value: Any) -> bool:
    """Whether a value can name an image or a class."""
    return isinstance(value, int | str)


def categories_of(content: dict[str, Any]) -> list[tuple[Hashable, str]]:
    """Id and name of each class, in the order of their ids."""
    given = content.get("categories")
    rows = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    found = {each["id"]: text_of(each.get("name")) for each in rows if is_id(each.get("id"))}
    named = [(key, name) for key, name in found.items() if name.strip()]
    return sorted(named, key=lambda pair: (isinstance(pair[0], str), pair[0]))


def rows_of_images(content: dict[str, Any]) -> tuple[Rows, int]:
    """The annotations of each image, and how many name none."""
    found: dict[Hashable, list[dict[str, Any]]] = defaultdict(list)
    num_odd = 0
    for row in content["annotations"]:
        key = row.get("image_id") if isinstance(row, dict) else None
        if is_id(key):
            found[key].append(row)
        else:
            num_odd += 1
    return dict(found), num_odd


def corners_of(bbox: Any) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of x, y, width and height; None where they are no four numbers."""
    if not isinstance(bbox, list) or len(bbox) != 4:
        return None
    values = [number(value) for value in bbox]
    if None in values:
        return None
    left, top, width, height = (float(value or 0) for value in values)
    return left, top, left + width, top + height


def polygons_of(segmentation: Any) -> list[tuple[tuple[float, float], ...]] | None:
    """The outlines of an object, each of three corners or more; None where they are none."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    found = []
    for each in segmentation:
        if not isinstance(each, list) or len(each) < 6 or len(each) % 2:
            return None
        marked = points([each[place : place + 2] for place in range(0, len(each), 2)])
        if marked is None:
            return None
        found.append(marked)
    return found
