"""Regions of Label Studio: rectangles and polygons in percent of the image, with the texts written for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from plx_train.contract.truth import IGNORED_TEXTS, Outline, Truth
from plx_train.data.formats.dataset_format import Annotations
from plx_train.data.formats.label_studio_short import UNMATCHED
from plx_train.data.formats.parsed_json import number, points, text_of
from plx_train.ground.errors import UserError

RECTANGLES = ("rectangle", "rectanglelabels")
POLYGONS = ("polygon", "polygonlabels")
CHOSEN = ("rectanglelabels", "polygonlabels", "labels")
WITHOUT_AREA = ("labels", "textarea", "choices")
Points = tuple[tuple[float, float], ...]


def outlines_of(
    results: list[dict[str, Any]],
    size_of: Callable[[], tuple[int, int]],
    task: str,
    file: str,
    found: Annotations,
) -> tuple[Outline, ...]:
    """The regions of one task in pixels: results that share an id are the region, its label and its text.

    Args:
        size_of: height and width of the image, where the export does not say them.
        task, file: where they stand, for messages.
    """
    shapes: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    texts: dict[str, str] = {}
    classes: dict[str, str] = {}
    for place, one in enumerate(results):
        kind, value = text_of(one.get("type")), one.get("value")
        key = text_of(one.get("id")) or f"#{place}"
        if not isinstance(value, dict):
            continue
        if kind == UNMATCHED:
            reason = f"{task}: {value['texts']} texts for {value['regions']} regions, and JSON-MIN does not say which "
            reason += "belong together: export the project as JSON"
            found.add(file, 0, "texts-without-regions", reason)
        elif kind in (*RECTANGLES, *POLYGONS):
            shapes[key] = one, value
        elif kind not in WITHOUT_AREA:
            reason = f"{task}: a region of type {kind[:30]!r} marks no text here, and is left out"
            found.add(file, 0, "region-without-outline", reason, is_error=False)
        if chosen := _class(value):
            classes.setdefault(key, chosen)
        written = _text(value)
        if written:
            texts[key] = written
    outlines = []
    for key, (one, value) in shapes.items():
        marked = _pixels(one, value, size_of)
        if isinstance(marked, str):
            found.add(file, 0, "region-invalid", f"{task}: {marked}")
        else:
            label = (classes if found.truth is Truth.BOXES else texts).get(key, "")
            outlines.append(Outline(marked, label, label.strip() in IGNORED_TEXTS))
    return tuple(outlines)


def _class(value: dict[str, Any]) -> str:
    """The label that was chosen for a region; the first of several."""
    lists = (value.get(key) for key in CHOSEN)
    names = (text_of(each).strip() for given in lists if isinstance(given, list) for each in given)
    return next(filter(None, names), "")


def _text(value: dict[str, Any]) -> str:
    """What was typed: a list of texts, or one."""
    given = value.get("text")
    if isinstance(given, list):
        return " ".join(each for each in given if isinstance(each, str)).strip()
    return text_of(given).strip()


def _pixels(one: dict[str, Any], value: dict[str, Any], size_of: Callable[[], tuple[int, int]]) -> Points | str:
    """Corners in pixels, or why there are none."""
    if number(one.get("image_rotation") or 0) != 0:
        return "the image was turned while it was annotated: turn the file instead"
    width, height = number(one.get("original_width")), number(one.get("original_height"))
    if not width or not height:
        try:
            height, width = map(float, size_of())
        except UserError as error:
            return str(error)
    if one.get("type") in POLYGONS:
        marked = points(value.get("points"))
        if marked is None or len(marked) < 3:
            return "the points of a polygon are not three or more pairs of numbers"
        scaled = tuple((x * width / 100, y * height / 100) for x, y in marked)
        return (*scaled, scaled[-1]) if len(scaled) == 3 else scaled
    numbers = [number(value.get(key)) for key in ("x", "y", "width", "height")]
    angle = number(value.get("rotation") or 0)
    if None in numbers or angle is None:
        return "x, y, width, height or rotation of a rectangle is no number"
    left, top, across, down = (float(each or 0) / 100 for each in numbers)
    return turned(left * width, top * height, across * width, down * height, angle)


def turned(left: float, top: float, width: float, height: float, degrees: float) -> Points:
    """Corners of a rectangle that is turned clockwise about its top left."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (
        (left, top),
        (left + width * cosine, top + width * sine),
        (left + width * cosine - height * sine, top + width * sine + height * cosine),
        (left - height * sine, top + height * cosine),
    )
