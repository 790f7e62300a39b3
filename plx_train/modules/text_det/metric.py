"""Precision, recall and their harmonic mean over text boxes, by the rule of ICDAR 2015.

A predicted box and a true one match when their intersection over union is above 0.5, one to one. True boxes
marked as ignored count neither way, nor do predictions of which more than half lies in one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

IOU_THRESHOLD = 0.5
IGNORED_SHARE = 0.5
"""Share of a prediction's area inside an ignored region above which it counts neither way."""
CURVE_POINTS = 200


@dataclass(frozen=True)
class PageMatch:
    """How the predictions of one page meet its true boxes.

    Attributes:
        pairs: int64 (M, 2), index of the true box and of the prediction, matched one to one.
        scores: float32 (N,), the predictions' scores.
        counted_truths: bool (T,), false where ignored or not a polygon.
        counted_predictions: bool (N,), false where inside an ignored region or not a polygon.
    """

    pairs: np.ndarray
    scores: np.ndarray
    counted_truths: np.ndarray
    counted_predictions: np.ndarray

    @property
    def num_matched(self) -> int:
        return len(self.pairs)

    @property
    def hmean(self) -> float:
        """Of this page alone; 1 for a page with nothing to find and nothing found."""
        return harmonic_mean(
            *precision_recall(self.num_matched, int(self.counted_predictions.sum()), int(self.counted_truths.sum()))
        )


@dataclass(frozen=True)
class PagePairs:
    """What matching needs of one page's polygons; boxes may be taken out of it without new geometry.

    Attributes:
        overlaps: int64 (K, 2), pairs of true box and prediction above the threshold, sorted.
        ious: float64 (K,), their intersections over unions.
        counted_truths, counted_predictions: as in `PageMatch`.
    """

    overlaps: np.ndarray
    ious: np.ndarray
    counted_truths: np.ndarray
    counted_predictions: np.ndarray

    @property
    def is_one_to_one(self) -> bool:
        """Whether no box may match more than one, so that all pairs match."""
        return all(len(np.unique(side)) == len(side) for side in self.overlaps.T)


@dataclass(frozen=True)
class Truths:
    """The true boxes of one page, ready to be met with any number of predictions.

    Attributes:
        polygons: shapely polygons (T,).
        areas: float64 (T,) square pixels.
        bounds: float64 (T, 4) x0, y0, x1, y1.
        counted: bool (T,), false where ignored or crossing itself.
        ignored: bool (T,), true where ignored and a polygon.
    """

    polygons: np.ndarray
    areas: np.ndarray
    bounds: np.ndarray
    counted: np.ndarray
    ignored: np.ndarray


class TextDetMetric:
    """Accumulates matches page by page."""

    def __init__(self) -> None:
        self.pages: list[PageMatch] = []

    def update(self, prediction: Any, sample: dict[str, Any]) -> float:
        """Adds one page and returns its own hmean.

        Args:
            prediction: has `quads` and `scores`.
            sample: ``labels``, each with `points` (P, 2) in pixels and `ignore`.
        """
        labels = sample["labels"]
        page = match_page(
            prediction.quads,
            np.asarray(prediction.scores, np.float32),
            prepare_truths(labels),
        )
        self.pages.append(page)
        return page.hmean

    def compute(self) -> dict[str, float]:
        """``hmean``, ``precision`` and ``recall`` over all boxes of all pages, 0 to 1."""
        matched = sum(page.num_matched for page in self.pages)
        predicted = sum(int(page.counted_predictions.sum()) for page in self.pages)
        true = sum(int(page.counted_truths.sum()) for page in self.pages)
        precision = matched / predicted if predicted else 0.0
        recall = matched / true if true else 0.0
        return {"hmean": harmonic_mean(precision, recall), "precision": precision, "recall": recall}

    def curve(self) -> list[tuple[float, float]]:
        """(recall, precision) as the score that a box must have falls from the highest to the lowest found.

        The matching is the one made with all boxes, so the curve ends at what `compute` gives.
        """
        scores = _joined([page.scores[page.counted_predictions] for page in self.pages])
        matched = _joined([page.scores[page.pairs[:, 1]] for page in self.pages])
        true = sum(int(page.counted_truths.sum()) for page in self.pages)
        if not len(scores) or not true:
            return []
        at = np.unique(np.quantile(scores, np.linspace(1, 0, CURVE_POINTS), method="nearest"))[::-1]
        num_predicted = len(scores) - np.searchsorted(np.sort(scores), at, side="left")
        num_matched = len(matched) - np.searchsorted(np.sort(matched), at, side="left")
        return list(zip((num_matched / true).tolist(), (num_matched / num_predicted).tolist(), strict=True))


def prepare_truths(labels: Sequence[Any]) -> Truths:
    """The true boxes of `labels`, each with `points` (P, 2) in pixels and `ignore`."""
    polygons = _polygons([label.points for label in labels])
    ignored = np.asarray([label.ignore for label in labels], bool)
    valid = shapely.is_valid(polygons)
    bounds = shapely.bounds(polygons).reshape(-1, 4)
    return Truths(polygons, shapely.area(polygons), bounds, valid & ~ignored, valid & ignored)


def match_page(predicted: Sequence[np.ndarray] | np.ndarray, scores: np.ndarray, truths: Truths) -> PageMatch:
    """Matches the polygons of one page; both sides in the order given.

    Args:
        predicted: N polygons (P, 2).
        scores: float32 (N,).
        truths: the true boxes.
    """
    pairs = overlapping_pairs(predicted, truths)
    return PageMatch(greedy_match(pairs.overlaps), scores, pairs.counted_truths, pairs.counted_predictions)


def overlapping_pairs(predicted: Sequence[np.ndarray] | np.ndarray, truths: Truths) -> PagePairs:
    """The pairs that may match, and which boxes count; arguments as in `match_page`."""
    found = _polygons(predicted)
    area, counted = shapely.area(found), shapely.is_valid(found)
    most = _box_intersection(truths.bounds, shapely.bounds(found).reshape(-1, 4))
    # Most pairs are settled by their bounding boxes: polygons can't share more than those do.
    rows, columns = np.nonzero((most > IGNORED_SHARE * area) & truths.ignored[:, None] & counted)
    shared = shapely.area(shapely.intersection(truths.polygons[rows], found[columns]))
    counted[columns[shared > IGNORED_SHARE * area[columns]]] = False

    least_union = truths.areas[:, None] + area - most
    rows, columns = np.nonzero((most > IOU_THRESHOLD * least_union) & truths.counted[:, None] & counted)
    shared = shapely.area(shapely.intersection(truths.polygons[rows], found[columns]))
    ious = shared / (truths.areas[rows] + area[columns] - shared)
    overlap = ious > IOU_THRESHOLD
    return PagePairs(np.stack([rows, columns], axis=1)[overlap], ious[overlap], truths.counted, counted)


def greedy_match(overlaps: np.ndarray) -> np.ndarray:
    """Those of sorted pairs int64 (K, 2) that match: each true box takes the first prediction still free."""
    taken_truths: set[int] = set()
    taken_predictions: set[int] = set()
    pairs = []
    for truth, prediction in overlaps.tolist():
        if truth not in taken_truths and prediction not in taken_predictions:
            taken_truths.add(truth)
            taken_predictions.add(prediction)
            pairs.append((truth, prediction))
    return np.asarray(pairs, np.int64).reshape(-1, 2)


def precision_recall(num_matched: int, num_predicted: int, num_true: int) -> tuple[float, float]:
    """Of one page; with nothing to find, recall is 1, and precision is 1 if nothing was found, else 0."""
    if num_true == 0:
        return float(num_predicted == 0), 1.0
    return (num_matched / num_predicted if num_predicted else 0.0), num_matched / num_true


def harmonic_mean(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _polygons(outlines: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """shapely polygons (N,) of outlines (P, 2)."""
    polygons = np.empty(len(outlines), object)
    lengths = np.asarray([len(points) for points in outlines], np.int64)
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        corners = np.asarray([outlines[place] for place in places.tolist()], np.float64)
        polygons[places] = shapely.polygons(corners)
    return polygons


def _box_intersection(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Areas (T, N) shared by bounding boxes (T, 4) and (N, 4), each x0, y0, x1, y1."""
    width, height = (
        np.minimum.outer(first[:, axis + 2], second[:, axis + 2]) - np.maximum.outer(first[:, axis], second[:, axis])
        for axis in (0, 1)
    )
    return np.clip(width, 0, None) * np.clip(height, 0, None)


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(0)
