"""Lines of PaddleX's label files of pages: the outlines of their texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plx_train.contract.truth import IGNORED_TEXTS, Outline
from plx_train.data.formats.dataset_format import Annotations
from plx_train.data.formats.parsed_json import points, text_of
from plx_train.ground.parsed import parse_json

MARKED = re.compile(r"[^\t]+\t\s*\[\s*[{\]]")
"""How a line begins that has outlines of a page."""
LOOKED_AT = 1 << 16
"""Bytes at the beginning of a label file that are looked at."""


def are_pages(path: Path) -> bool:
    """Whether most of the first lines of a label file hold outlines."""
    try:
        with path.open("rb") as file:
            lines = file.read(LOOKED_AT).decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return False
    said = [line for line in lines[:20] if line.strip()]
    return 2 * sum(bool(MARKED.match(line)) for line in said) > len(said)


def text_outlines(text: str, file: str, line: int, found: Annotations) -> Iterator[Outline]:
    """What a line says of a page; what is wrong with it is told."""
    try:
        values: Any = parse_json(text)
    except ValueError as error:
        found.add(file, line, "bad-json", f"the labels are no JSON: {error}")
        return
    if not isinstance(values, list):
        found.add(file, line, "not-a-list", "the labels are not a list")
        return
    for place, value in enumerate(values, 1):
        marked = points(value.get("points")) if isinstance(value, dict) else None
        if marked is None or len(marked) < 4:
            found.add(file, line, "points-not-pairs", f"label {place} has not four corners of two numbers or more")
            continue
        label = text_of(value.get("transcription"))
        yield Outline(marked, label, label in IGNORED_TEXTS or value.get("difficult") is True)
