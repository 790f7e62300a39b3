"""Label files of text detection, read line by line; what is wrong with a line is told, never raised.

The format is that of PaddleX's ``TextDetDataset`` and PaddleOCR, one page a line:
``images/page.jpg<TAB>[{"transcription": "text", "points": [[x, y], [x, y], [x, y], [x, y]]}, …]``.
Points are pixels, clockwise from the text's top left; bent text has more than four. The transcriptions
``###`` and ``*`` mark text that counts neither way.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.truth import IGNORED_TEXTS
from plx_train.data.label_file import LabelFile, separator_hint
from plx_train.data.odd_characters import control_findings
from plx_train.vision.labels.points import plain_texts, read_points, with_area
from plx_train.vision.samples import LabelledImage


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
class PageLabel(LabelledImage[tuple[TextLabel, ...]]):
    """One page; `truth` are its texts."""


def read_lines(path: Path, root: Path) -> tuple[list[PageLabel], list[Finding]]:
    """The pages of a label file that name an image, in the file's order, and all findings.

    Pages whose labels hold errors are there as well, with those that don't.

    Args:
        path: the label file.
        root: the dataset's folder; images are relative to it and must lie in it. No image is opened.
    """
    found = LabelFile(path, root)
    kept = [page for number, line in found.lines() if (page := _read_line(line, number, found))]
    texts = ((int(page.where.rpartition(":")[2]), label.text) for page in kept for label in page.truth)
    return kept, found.findings + control_findings(found.name, texts, "transcriptions")


def _read_line(line: str, number: int, found: LabelFile) -> PageLabel | None:
    """One line; None where it names no usable image."""
    name, tab, text = line.partition("\t")
    if not tab:
        found.add(number, "error", "no-tab", _no_tab_reason(line))
        return None
    image = found.image(name, number, "there is no image path before the tab")
    labels = _read_labels(text, number, found)
    return None if image is None else PageLabel(image, tuple(labels), f"{found.name}:{number}")


def _no_tab_reason(line: str) -> str:
    if re.search(r"\S {1,}\[", line):
        return "a space stands where the tab between image path and labels should be"
    return f"there is no tab between image path and labels{separator_hint(line)}"


def _read_labels(text: str, number: int, found: LabelFile) -> list[TextLabel]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"the labels are not JSON: {error.msg} at character {error.colno} after the tab"
        found.add(number, "error", "bad-json", reason)
        return []
    except (RecursionError, ValueError) as error:
        found.add(number, "error", "bad-json", f"the labels are not usable JSON: {error}")
        return []
    if not isinstance(values, list):
        found.add(number, "error", "not-a-list", f"the labels are {_kind(values)}, not a list")
        return []
    if not values:
        found.add(number, "warning", "no-labels", "the page has no text")
    plain = plain_texts(values)
    labels = [TextLabel(text, points, text in IGNORED_TEXTS) for text, points in plain or ()]
    single = enumerate(values, 1) if plain is None else ()
    labels += [label for place, value in single if (label := _read_label(value, place, number, found))]
    kept = with_area([label.points for label in labels], [label.text for label in labels], number, found)
    return [label for label, keep in zip(labels, kept, strict=True) if keep]


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
        reason = f"the transcription of label {position} is {_kind(text)}, not a string"
        found.add(number, "error", "text-not-string", reason)
        return None
    named = f'label {position} ("{text[:20]}")'
    points = read_points(value["points"], named, number, found)
    return None if points is None else TextLabel(text, points, text in IGNORED_TEXTS)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
