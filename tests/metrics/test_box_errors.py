"""Kinds of errors, by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plx_train.metrics.box_errors import box_errors, class_files
from plx_train.metrics.boxes import ImageBoxes, precisions

TRUTH = [[0, 0, 20, 20], [40, 0, 60, 20], [0, 40, 20, 60]]
RIGHT = [0, 0.9, 0, 0, 20, 20]


def image(*rows: list[float]) -> ImageBoxes:
    """Two boxes of class 0 and one of class 1."""
    found = np.asarray(rows, float).reshape(-1, 6)
    return ImageBoxes(np.asarray(TRUTH, float), np.asarray([0, 0, 1]), np.zeros(3, bool), found, (80, 80))


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ([1, 0.8, 40, 0, 60, 20], "class"),
        ([0, 0.8, 48, 0, 68, 20], "place"),
        ([1, 0.8, 48, 0, 68, 20], "both"),
        ([0, 0.8, 1, 0, 20, 20], "twice"),
        ([0, 0.8, 60, 60, 80, 80], "background"),
    ],
)
def test_an_error_is_of_one_kind(row: list[float], kind: str) -> None:
    counts = box_errors([image(RIGHT, row)], 2, 0.0).counts
    # What a box of the right place or class belongs to is not missed as well.
    missed = 2 - (kind in ("class", "place"))
    assert counts == dict.fromkeys(counts, 0) | {kind: 1, "missed": missed}


def test_what_an_error_costs_is_the_ap_without_it() -> None:
    # Of class 0 one of two is found, of class 1 none: an AP50 of 51 of 101 levels, and of 0.
    images = [image(RIGHT, [1, 0.8, 40, 0, 60, 20])]
    errors = box_errors(images, 2, precisions(images, 2).ap50)
    assert errors.costs["class"] == pytest.approx((1 - 51 / 101) / 2, abs=1e-3)
    assert errors.costs["background"] == 0


def test_files_say_it_class_by_class() -> None:
    shown = np.asarray([RIGHT, [1, 0.8, 40, 0, 60, 20], [1, 0.7, 60, 60, 80, 80]], float)
    files = class_files([image(*shown.tolist())], [shown], ["a", "b,c"], [0.5, 0.4])
    assert files["confusion.csv"].splitlines() == [
        'true \\ found,a,"b,c",nothing',
        "a,1,1,0",
        '"b,c",0,0,1',
        "nothing,0,1,0",
    ]
    first, second = json.loads(files["classes.json"])
    assert (first["precision"], first["recall"], first["boxes"], first["threshold"]) == (1, 0.5, 2, 0.5)
    assert (second["precision"], second["recall"], second["AP"]) == (0, 0, 0)
    assert {row["kind"]: row["boxes"] for row in json.loads(files["errors.json"])}["background"] == 1
