"""Precision, recall and their harmonic mean over text boxes, by the rule of ICDAR 2015.

A predicted box and a true one match when their intersection over union is above 0.5, one to one. True boxes
marked as ignored count neither way, nor do predictions of which more than half lies in one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import shapely

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.modules.text_det.convex import convex_quads, shared_areas
from plx_train.vision.polygons import signed_area

IOU_THRESHOLD = 0.5
IGNORED_SHARE = 0.5
"""Share of a prediction's area inside an ignored region above which it counts neither way."""
CURVE_POINTS = 200
IOU_LEVELS = (IOU_THRESHOLD, 0.6, 0.7)
"""What calibration looks at as well: boxes that just pass 0.5 there would fail it on the next document."""
DECISIVE = 1e-8
"""Least difference of a share from each of these thresholds by which it is told from it without shapely."""


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
        """Harmonic mean of precision and recall of this page; 1 for a page with nothing to find and nothing found."""
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
class Shapes:
    """Polygons in all forms that matching needs.

    Attributes:
        outlines: (P, 2) each, pixels.
        quads: clockwise, float64 (N, 4, 2), zeros where it is no convex quad.
        is_convex: bool (N,), true where it is one.
        areas: float64 (N,) square pixels.
        bounds: float64 (N, 4) x0, y0, x1, y1.
        is_valid: bool (N,), false where it crosses itself.
    """

    outlines: Sequence[np.ndarray] | np.ndarray
    quads: np.ndarray
    is_convex: np.ndarray
    areas: np.ndarray
    bounds: np.ndarray
    is_valid: np.ndarray


@dataclass(frozen=True)
class Truths:
    """The true boxes of one page, ready to be met with any number of predictions.

    Attributes:
        shapes: of all.
        counted: bool (T,), false where ignored or crossing itself.
        ignored: bool (T,), true where ignored and a polygon.
    """

    shapes: Shapes
    counted: np.ndarray
    ignored: np.ndarray


class TextDetMetric(Metric):
    """Accumulates matches page by page."""

    errors: ClassVar[frozenset[str]] = frozenset()

    def __init__(self) -> None:
        self.pages: list[PageMatch] = []

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one page and returns its own hmean.

        Args:
            prediction: has `quads` and `scores`.
            sample: its ``truth`` are labels with `points` (P, 2) in pixels and `ignore` each.
        """
        scores = np.asarray(prediction.scores, np.float32)
        self.pages.append(match_page(prediction.quads, scores, prepare_truths(sample.truth)))
        return self.pages[-1].hmean

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
    shapes = _shapes([label.points for label in labels])
    ignored = np.asarray([label.ignore for label in labels], bool)
    return Truths(shapes, shapes.is_valid & ~ignored, shapes.is_valid & ignored)


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
    true, found = truths.shapes, _shapes(predicted)
    counted = found.is_valid.copy()
    most = _box_intersection(true.bounds, found.bounds)
    # Most pairs are settled by their bounding boxes: polygons can't share more than those do.
    if truths.ignored.any():
        rows, columns = np.nonzero((most > IGNORED_SHARE * found.areas) & truths.ignored[:, None] & counted)
        shared = _shared(true, rows, found, columns)
        counted[columns[shared > IGNORED_SHARE * found.areas[columns]]] = False

    least_union = np.add.outer(true.areas, found.areas) - most
    rows, columns = np.nonzero((most > IOU_THRESHOLD * least_union) & truths.counted[:, None] & counted)
    shared = _shared(true, rows, found, columns)
    ious = shared / (true.areas[rows] + found.areas[columns] - shared)
    overlap = ious > IOU_THRESHOLD
    return PagePairs(np.stack([rows, columns], axis=1)[overlap], ious[overlap], truths.counted, counted)


def greedy_match(overlaps: np.ndarray) -> np.ndarray:
    """Matches among sorted pairs int64 (K, 2): each true box takes the first prediction still free."""
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
    """Precision and recall of one page; with nothing to find, recall is 1, and precision 1 if nothing was found."""
    if num_true == 0:
        return float(num_predicted == 0), 1.0
    return (num_matched / num_predicted if num_predicted else 0.0), num_matched / num_true


def harmonic_mean(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _shapes(outlines: Sequence[np.ndarray] | np.ndarray) -> Shapes:
    quads, is_convex = convex_quads(outlines)
    areas, is_valid = signed_area(quads), is_convex.copy()
    bounds = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)
    others = np.flatnonzero(~is_convex)
    if len(others):
        polygons = _polygons(outlines, others)
        areas[others], is_valid[others] = shapely.area(polygons), shapely.is_valid(polygons)
        bounds[others] = shapely.bounds(polygons).reshape(-1, 4)
    return Shapes(outlines, quads, is_convex, areas, bounds, is_valid)


def _shared(first: Shapes, rows: np.ndarray, second: Shapes, columns: np.ndarray) -> np.ndarray:
    """Areas (K,) that pairs share; `rows` and `columns` int64 (K,) are theirs in `first` and `second`."""
    shared = shared_areas(first.quads[rows], second.quads[columns])
    shared[~(first.is_convex[rows] & second.is_convex[columns])] = np.nan
    wholes = second.areas[columns]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.stack([shared / wholes, shared / (first.areas[rows] + wholes - shared)])
    # Where the last bits would decide, they are shapely's.
    decisive = (np.abs(shares[..., None] - np.asarray(IOU_LEVELS)) > DECISIVE).all(axis=(0, 2))
    unclear = np.flatnonzero(~decisive)
    if len(unclear):
        polygons = _polygons(first.outlines, rows[unclear]), _polygons(second.outlines, columns[unclear])
        shared[unclear] = shapely.area(shapely.intersection(*polygons))
    return shared


def _polygons(outlines: Sequence[np.ndarray] | np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """shapely polygons (K,) of those outlines (P, 2) that `chosen` int64 (K,) names."""
    polygons = np.empty(len(chosen), object)
    lengths = np.asarray([len(outlines[place]) for place in chosen.tolist()], np.int64)
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        corners = np.asarray([outlines[place] for place in chosen[places].tolist()], np.float64)
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
