"""What a detector gets wrong: errors by kind and what each costs (TIDE, arXiv 2008.08115), and figures per class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from plx_train.ground.characters import json_text
from plx_train.ground.spreadsheet import csv_text
from plx_train.metrics.boxes import SHOWN_OVERLAP, ImageBoxes, Judged, judge, overlaps_of, precisions

NEAR = 0.1
"""Overlap below which a box has nothing to do with a labelled one."""
KINDS = {
    "class": "right place, another class",
    "place": "right class, beside the place",
    "both": "another class, beside the place",
    "twice": "what was found already",
    "background": "nothing is there",
    "missed": "nothing was found",
}
"""Kinds of errors, in words."""


@dataclass(frozen=True)
class BoxErrors:
    """Errors by kind.

    Attributes:
        counts: how many of each, by the keys of `KINDS`.
        costs: AP50 that there would be more without them, by the same keys.
    """

    counts: dict[str, int]
    costs: dict[str, float]


@dataclass(frozen=True)
class _Sorted:
    """The candidates of one image, each with its kind of error, or none, and the labelled box that it belongs to."""

    image: ImageBoxes
    judged: Judged
    kinds: np.ndarray
    nearest: np.ndarray
    missed: np.ndarray


def box_errors(images: Sequence[ImageBoxes], num_classes: int, ap50: float) -> BoxErrors:
    """The errors among all candidates of images, as AP counts them: at any score.

    Args:
        ap50: average precision of the images as they are.
    """
    parts = [_sorted(image) for image in images]
    counts = {kind: int(sum((part.kinds == kind).sum() for part in parts)) for kind in KINDS if kind != "missed"}
    counts["missed"] = int(sum(part.missed.sum() for part in parts))
    costs = {
        kind: precisions([_mended(part, kind) for part in parts], num_classes).ap50 - ap50 if counts[kind] else 0.0
        for kind in KINDS
    }
    return BoxErrors(counts, {kind: 0.0 if math.isnan(cost) else cost for kind, cost in costs.items()})


def _sorted(image: ImageBoxes) -> _Sorted:
    judged = judge(image, image.rows)
    overlap = overlaps_of(judged.rows[:, 2:], image.boxes)
    overlap[:, image.is_crowd] = 0
    same = judged.rows[:, :1] == image.classes[None]
    kinds = np.full(len(judged.rows), "", object)
    nearest = np.full(len(judged.rows), -1, np.int64)
    for row in np.flatnonzero(~judged.is_right).tolist():
        kinds[row], nearest[row] = _kind(overlap[row], same[row])
    counted = (kinds == "class") | (kinds == "place")
    is_covered = np.zeros(len(image.boxes), bool)
    is_covered[nearest[counted]] = True
    missed = ~image.is_crowd & ~judged.is_found & ~is_covered
    return _Sorted(image, judged, kinds, nearest, missed)


def _kind(overlap: np.ndarray, same: np.ndarray) -> tuple[str, int]:
    own, other = np.where(same, overlap, 0), np.where(same, 0, overlap)
    if (own >= SHOWN_OVERLAP).any():
        return "twice", int(own.argmax())
    if (other >= SHOWN_OVERLAP).any():
        return "class", int(other.argmax())
    if (own >= NEAR).any():
        return "place", int(own.argmax())
    if (other >= NEAR).any():
        return "both", int(other.argmax())
    return "background", -1


def _mended(part: _Sorted, kind: str) -> ImageBoxes:
    """The image as it would be without errors of a kind."""
    image, rows = part.image, part.judged.rows.copy()
    if kind == "missed":
        kept = ~part.missed
        return replace(
            image, boxes=image.boxes[kept], classes=image.classes[kept], is_crowd=image.is_crowd[kept], rows=rows
        )
    wrong, gone, taken = part.kinds == kind, np.zeros(len(rows), bool), part.judged.is_found.copy()
    for row in np.flatnonzero(wrong).tolist():
        place = int(part.nearest[row])
        if kind not in ("class", "place") or taken[place]:
            gone[row] = True
            continue
        # Mended, it is the one that finds the box.
        taken[place] = True
        rows[row, 0] = image.classes[place]
        if kind == "place":
            rows[row, 2:] = image.boxes[place]
    return replace(image, rows=rows[~gone])


def class_files(
    images: Sequence[ImageBoxes], shown: Sequence[np.ndarray], names: Sequence[str], thresholds: Sequence[float]
) -> dict[str, str]:
    """Files about an evaluation, content by name.

    ``classes.json`` has the figures and the threshold of each class, ``errors.json`` the errors by kind, and
    ``confusion.csv`` what was taken for what, with a row for what was found where nothing is, and a column for what
    was not found.

    Args:
        shown: rows above the thresholds, of each image.
    """
    found = precisions(images, len(names))
    table = _confusion(images, shown, len(names))
    labelled, given, right = table[:-1].sum(axis=1), table[:, :-1].sum(axis=0), np.diag(table)[:-1]
    classes = [
        {
            "id": number,
            "name": name,
            "AP": None if math.isnan(found.by_class[number]) else found.by_class[number],
            "precision": float(right[number] / max(given[number], 1)),
            "recall": float(right[number] / max(labelled[number], 1)),
            "boxes": int(labelled[number]),
            "threshold": thresholds[number],
        }
        for number, name in enumerate(names)
    ]
    errors = box_errors(images, len(names), found.ap50)
    kinds = [
        {"kind": kind, "what": KINDS[kind], "boxes": errors.counts[kind], "AP50_lost": errors.costs[kind]}
        for kind in KINDS
    ]
    all_names = [*names, "nothing"]
    rows = [["true \\ found", *all_names], *([name, *row] for name, row in zip(all_names, table.tolist(), strict=True))]
    return {
        "classes.json": json_text(classes, indent=1),
        "errors.json": json_text(kinds, indent=1),
        "confusion.csv": csv_text(rows),
    }


def _confusion(images: Sequence[ImageBoxes], shown: Sequence[np.ndarray], num_classes: int) -> np.ndarray:
    """Boxes by true class (row) and found class (column); the last of each: nothing, int64 (classes + 1, same)."""
    table = np.zeros((num_classes + 1, num_classes + 1), np.int64)
    for image, rows in zip(images, shown, strict=True):
        judged = judge(image, rows)
        np.add.at(table, (image.classes[judged.is_found], image.classes[judged.is_found]), 1)
        left = ~image.is_crowd & ~judged.is_found
        overlap = overlaps_of(judged.rows[:, 2:], image.boxes)
        for row in np.flatnonzero(~judged.is_right).tolist():
            best = np.where(left, overlap[row], 0)
            number = int(judged.rows[row, 0])
            if (best >= SHOWN_OVERLAP).any():
                place = int(best.argmax())
                left[place] = False
                table[image.classes[place], number] += 1
            else:
                table[num_classes, number] += 1
        np.add.at(table, (image.classes[left], num_classes), 1)
    return table
