"""Label files of text detection, read line by line; what is wrong with a line is told, never raised.

The format is that of PaddleX's ``TextDetDataset`` and PaddleOCR, one page a line:
``images/page.jpg<TAB>[{"transcription": "text", "points": [[x, y], [x, y], [x, y], [x, y]]}, …]``.
Points are pixels, clockwise from the text's top left; bent text has more than four. The transcriptions
``###`` and ``*`` mark text that counts neither way.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.data.findings import Finding
from plx_train.data.label_file import LabelFile
from plx_train.vision.polygons import by_corners, is_simple, polygon_area

IGNORED_TEXTS = ("###", "*")
MIN_AREA = 1
"""Square pixels; smaller polygons are slips of the mouse or were clipped to nothing, and can't be found."""
MAX_COORDINATE = 1e6
"""Beyond any image; larger numbers are faults, and would overflow in drawing."""


@dataclass(frozen=True)
class TextLabel:
    """One text of a page.

    Attributes:
        text: its transcription.
        points: float32 (P, 2), P >= 4, pixels, clockwise from the text's top left.
        ignore: it counts neither way, in training and evaluation.
    """

    text: str
    points: np.ndarray
    ignore: bool


@dataclass(frozen=True)
class PageLabel:
    """One page: its image (absolute path) and texts; `where` is its line, as ``train.txt:12``."""

    image: Path
    labels: tuple[TextLabel, ...]
    where: str

    @property
    def document(self) -> str:
        """What must not be split between training and held-out samples."""
        return str(self.image)


def read_lines(path: Path, root: Path) -> tuple[list[PageLabel], list[Finding]]:
    """Reads every line of a label file.

    Args:
        path: the label file.
        root: the dataset's folder; images are relative to it and must lie in it. No image is opened.

    Returns:
        the pages in the file's order, each with those of its labels that hold no error, and all findings.
    """
    found = LabelFile(path, root)
    pages = [_read_line(line, number, found) for number, line in found.lines()]
    return [page for page in pages if page is not None], found.findings


def _read_line(line: str, number: int, found: LabelFile) -> PageLabel | None:
    """One line; None where it names no usable image."""
    name, tab, text = line.partition("\t")
    if not tab:
        found.add(number, "error", "no-tab", _no_tab_reason(line))
        return None
    image = _image_path(name, number, found)
    labels = _read_labels(text, number, found)
    return None if image is None else PageLabel(image, tuple(labels), f"{found.name}:{number}")


def _no_tab_reason(line: str) -> str:
    if re.search(r"\S {1,}\[", line):
        return "a space stands where the tab between image path and labels should be"
    return "there is no tab between image path and labels"


def _image_path(name: str, number: int, found: LabelFile) -> Path | None:
    """The image's path, if it lies in the dataset's folder."""
    if not name.strip():
        found.add(number, "error", "no-image-path", "there is no image path before the tab")
        return None
    return found.image(name, number)


def _read_labels(text: str, number: int, found: LabelFile) -> list[TextLabel]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        found.add(
            number,
            "error",
            "bad-json",
            f"the labels are not JSON: {error.msg} at character {error.colno} after the tab",
        )
        return []
    except (RecursionError, ValueError) as error:
        found.add(number, "error", "bad-json", f"the labels are not usable JSON: {error}")
        return []
    if not isinstance(values, list):
        found.add(number, "error", "not-a-list", f"the labels are {_kind(values)}, not a list")
        return []
    if not values:
        found.add(number, "warning", "no-labels", "the page has no text")
    labels = [_read_label(value, position, number, found) for position, value in enumerate(values, 1)]
    kept = [label for label in labels if label is not None]
    return _without_faulty(kept, number, found)


def _read_label(value: Any, position: int, number: int, found: LabelFile) -> TextLabel | None:
    """One entry of a line's list; None where it can't be used."""
    if not isinstance(value, dict):
        found.add(number, "error", "label-not-object", f"label {position} is {_kind(value)}, not an object")
        return None
    missing = [key for key in ("transcription", "points") if key not in value]
    if missing:
        found.add(number, "error", "missing-key", f'label {position} has no "{missing[0]}"')
        return None
    text = value["transcription"]
    if not isinstance(text, str):
        found.add(
            number,
            "error",
            "text-not-string",
            f"the transcription of label {position} is {_kind(text)}, not a string",
        )
        return None
    named = f'label {position} ("{text[:20]}")'
    points = _read_points(value["points"], named, number, found)
    if points is None:
        return None
    return TextLabel(text, points, text in IGNORED_TEXTS)


def _read_points(value: Any, named: str, number: int, found: LabelFile) -> np.ndarray | None:
    if not isinstance(value, list) or any(not isinstance(point, list) or len(point) != 2 for point in value):
        found.add(number, "error", "points-not-pairs", f"the points of {named} are not a list of [x, y]")
        return None
    if len(value) < 4:
        found.add(number, "error", "too-few-points", f"{named} has {len(value)} points, 4 or more are needed")
        return None
    numbers = [item for point in value for item in point]
    if any(not isinstance(item, (int, float)) or isinstance(item, bool) for item in numbers):
        found.add(number, "error", "points-not-numbers", f"the points of {named} are not all numbers")
        return None
    if any(isinstance(item, float) and not math.isfinite(item) for item in numbers):
        found.add(number, "error", "points-not-finite", f"the points of {named} hold NaN or infinity")
        return None
    if any(abs(item) > MAX_COORDINATE for item in numbers):
        found.add(number, "error", "points-outside", f"the points of {named} lie millions of pixels away")
        return None
    return np.asarray(value, np.float32)


def _without_faulty(labels: list[TextLabel], number: int, found: LabelFile) -> list[TextLabel]:
    """The labels that have an area; outlines that are odd are told."""
    has_area, simple = np.ones(len(labels), bool), np.ones(len(labels), bool)
    for indices, stacked in by_corners([label.points for label in labels]):
        has_area[indices] = polygon_area(stacked) >= MIN_AREA
        simple[indices] = is_simple(stacked)
    kept = [label for label, keep in zip(labels, has_area, strict=True) if keep]
    outlines = Counter(label.points.tobytes() for label in kept)
    twins = [label for label in kept if outlines[label.points.tobytes()] > 1]
    crossed = [label for label, good in zip(labels, simple, strict=True) if not good]
    empty = [label for label, good, area in zip(labels, simple, has_area, strict=True) if good and not area]
    for code, odd, reason in (
        ("empty-polygon", empty, f"below {MIN_AREA} square pixel in area and left out"),
        ("self-intersecting", crossed, "crossed by the own outline: put the points in order, clockwise"),
        ("twin-polygon", twins, "there more than once"),
    ):
        if odd:
            found.add(number, "warning", code, f"{_count(odd)} {reason}")
    return kept


def _count(labels: list[TextLabel]) -> str:
    """``the polygon of "a" is`` or ``3 polygons, first that of "a", are``, as a sentence's beginning."""
    first = f'"{labels[0].text[:20]}"'
    return f"the polygon of {first} is" if len(labels) == 1 else f"{len(labels)} polygons, first that of {first}, are"


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
