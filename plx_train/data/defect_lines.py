"""Lines of label files that say which defect an image shows: with tabs, or as PaddleX's ``SegDataset`` has them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

import numpy as np

from plx_train.contract.truth import Outline, RunLengths
from plx_train.data.formats.lines import plain_text
from plx_train.data.formats.run_lengths import packed, runs_of
from plx_train.ground.parsed import parse_json

GOOD = "good"
"""What a picture without a defect is of."""
UNNAMED = "defect"
"""What a picture is of whose defect has no name."""
MARKS = "["
"""How a field begins that says which pixels are marked."""


def fields_of(text: str, suffixes: Collection[str]) -> list[str]:
    """The image of a line and what stands behind it: fields that are divided by tabs, or a mask after a space.

    Args:
        suffixes: of images, in small letters.
    """
    line = text.rstrip()
    if "\t" in line:
        return [field.strip() for field in line.split("\t")]
    # Names may hold spaces: the image ends at the first one before which a name of an image stands.
    places = (place for place, letter in enumerate(line) if letter == " ")
    end = next((place for place in places if is_picture(line[:place], suffixes)), None)
    return [line] if end is None else [line[:end], line[end + 1 :].strip()]


def is_picture(name: str, suffixes: Collection[str]) -> bool:
    """Whether a field names a picture: a mask, no kind of defect."""
    return PurePosixPath(name.replace("\\", "/")).suffix.lower() in suffixes


def words_of(outlines: Sequence[Outline]) -> str:
    """What stands behind an image that is marked pixel by pixel: the kind that most of it is of, and its pixels."""
    marked = [(each.label, each.runs) for each in outlines if each.runs and not each.is_ignored and each.label != GOOD]
    if not marked:
        return GOOD
    kind, _ = max(marked, key=lambda each: sum(each[1].lengths[1::2]))
    pixels = RunLengths.of(np.logical_or.reduce([runs.pixels() for _, runs in marked]))
    rows = [pixels, *(each.runs for each in outlines if each.runs and each.is_ignored)]
    told = [{"size": list(runs.size), "counts": packed(runs.lengths)} for runs in rows]
    return f"{plain_text(kind)}\t{json.dumps(told)}"


def runs_in(field: str) -> tuple[RunLengths, ...]:
    """Pixels that a field marks, then those that count neither way, of one size; none where it says none."""
    try:
        rows = parse_json(field)
    except ValueError:
        return ()
    found = [runs_of(row) for row in rows] if isinstance(rows, list) else []
    runs = tuple(each for each in found if each is not None)
    return runs if len(runs) == len(found) and len({each.size for each in runs}) == 1 else ()
