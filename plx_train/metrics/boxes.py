"""Average precision of boxes as COCO defines it, and what they come to at the thresholds in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SHOWN_OVERLAP = 0.5
"""Overlap from which on a box that is shown counts as right."""
MAX_BOXES = 100
"""Boxes of an image that are counted, the surest, unless images are labelled with more: then all are."""


@dataclass(frozen=True)
class ImageBoxes:
    """Truth and candidates of one image.

    Attributes:
        boxes, classes, is_crowd: what is labelled, (G, 4), (G,) and (G,).
        rows: what is found: class, score, x1, y1, x2, y2, (M, 6).
        shape: height and width.
    """

    boxes: np.ndarray
    classes: np.ndarray
    is_crowd: np.ndarray
    rows: np.ndarray
    shape: tuple[int, int]


@dataclass(frozen=True)
class Precisions:
    """COCO's figures, 0 to 1; NaN where there is nothing to find.

    Attributes:
        by_class: AP of each class.
        curve: precision at 101 levels of recall, at an overlap of 0.5, mean over the classes.
    """

    ap: float
    ap50: float
    ap75: float
    small: float
    medium: float
    large: float
    recall: float
    by_class: tuple[float, ...]
    curve: np.ndarray


def precisions(images: Sequence[ImageBoxes], num_classes: int) -> Precisions:
    """Average precisions over images; classes that no image has are left out of the means."""
    from faster_coco_eval import COCO, COCOeval_faster

    truth = {
        "images": [{"id": place, "height": each.shape[0], "width": each.shape[1]} for place, each in _numbered(images)],
        "annotations": _annotations(images),
        "categories": [{"id": number, "name": str(number)} for number in range(num_classes)],
    }
    most = most_counted(images)
    found = _found(images, most)
    wanted = COCO(truth)
    given = wanted.loadRes(found) if found else COCO({**truth, "annotations": []})
    coco = COCOeval_faster(wanted, given, "bbox", print_function=lambda *_: None)
    coco.params.maxDets = [1, 10, most]
    coco.evaluate()
    coco.accumulate()
    coco.summarize()
    figures = [float(value) if value >= 0 else float("nan") for value in coco.stats[:12]]
    table = coco.eval["precision"][:, :, :, 0, -1]
    by_class = tuple(_mean(table[:, :, number]) for number in range(num_classes))
    at_half = np.where(table[0] > -1, table[0], np.nan)
    has_any = np.isfinite(at_half).any(axis=0)
    curve = at_half[:, has_any].mean(axis=1) if has_any.any() else np.zeros(0)
    ap, ap50, ap75, small, medium, large, _, _, recall = figures[:9]
    return Precisions(ap, ap50, ap75, small, medium, large, recall, by_class, curve)


def _numbered(images: Sequence[ImageBoxes]) -> list[tuple[int, ImageBoxes]]:
    return list(enumerate(images, 1))


def _annotations(images: Sequence[ImageBoxes]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for place, image in _numbered(images):
        sides = image.boxes[:, 2:] - image.boxes[:, :2]
        for box, side, number, is_crowd in zip(image.boxes, sides, image.classes, image.is_crowd, strict=True):
            width, height = side.tolist()
            rows.append({
                "id": len(rows) + 1, "image_id": place, "category_id": int(number), "iscrowd": int(is_crowd),
                "bbox": [*box[:2].tolist(), width, height], "area": width * height,
            })  # fmt: skip
    return rows


def most_counted(images: Sequence[ImageBoxes]) -> int:
    """How many boxes of an image are counted: COCO's number could not hold all that are to be found in crowded ones."""
    labelled = max((int((~image.is_crowd).sum()) for image in images), default=0)
    return MAX_BOXES if labelled <= MAX_BOXES else max(labelled, *(len(image.rows) for image in images))


def _found(images: Sequence[ImageBoxes], most: int = MAX_BOXES) -> list[dict[str, Any]]:
    rows = []
    for place, image in _numbered(images):
        surest = image.rows[np.argsort(-image.rows[:, 1], kind="stable")][:most]
        for number, score, left, top, right, bottom in surest.astype(float).tolist():
            box = [left, top, right - left, bottom - top]
            rows.append({"image_id": place, "category_id": int(number), "bbox": box, "score": score})
    return rows


def _mean(values: np.ndarray) -> float:
    counted = values[values > -1]
    return float(counted.mean()) if len(counted) else float("nan")


@dataclass(frozen=True)
class Judged:
    """How boxes that are shown meet those that are to be found.

    Attributes:
        rows: that count: class, score, x1, y1, x2, y2, surest first, (N, 6).
        is_right: bool (N,).
        is_found: of the labelled boxes, bool (G,).
    """

    rows: np.ndarray
    is_right: np.ndarray
    is_found: np.ndarray


def judge(image: ImageBoxes, rows: np.ndarray) -> Judged:
    """Which boxes are right: the surest takes the free box of its class that it overlaps most, by half at least.

    What lies on what counts neither way does not count.

    Args:
        rows: those that are shown: class, score, x1, y1, x2, y2, (N, 6).
    """
    is_found = np.zeros(len(image.boxes), bool)
    overlap, inside = _overlaps(rows[:, 2:], image.boxes)
    kept, right = [], []
    for place in np.argsort(-rows[:, 1], kind="stable").tolist():
        own = image.classes == rows[place, 0]
        best = np.where(own & ~image.is_crowd & ~is_found, overlap[place], 0)
        is_right = bool((best >= SHOWN_OVERLAP).any())
        if is_right:
            is_found[best.argmax()] = True
        elif (own & image.is_crowd & (inside[place] >= SHOWN_OVERLAP)).any():
            continue
        kept.append(place)
        right.append(is_right)
    return Judged(rows[kept], np.asarray(right, bool), is_found)


def overlaps_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of all pairs of boxes x1, y1, x2, y2 (N, 4) and (G, 4), (N, G)."""
    return _overlaps(first, second)[0]


def _overlaps(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intersection over union, and over the area of the first, of all pairs of boxes, (N, G) each."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    own, other = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second))
    union = own[:, None] + other[None] - common
    return common / np.maximum(union, 1e-9), common / np.maximum(own[:, None], 1e-9)


def image_boxes(truth: Any, rows: np.ndarray, shape: tuple[int, int]) -> ImageBoxes:
    """One image, of what is labelled in it (`boxes`, `classes`, `is_crowd`) and what is found."""
    return ImageBoxes(truth.boxes, truth.classes, truth.is_crowd, rows, shape)
