"""Precision, recall and their harmonic mean over text boxes, by the rule of ICDAR 2015.

A predicted box and a true one match when their intersection over union is above 0.5, one to one. True boxes marked
as ignored count neither way, nor do predictions of which more than half lies in one of them.
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
        counted_truths, counted_predictions: as in `PageMatch`.
    """

    overlaps: np.ndarray
    counted_truths: np.ndarray
    counted_predictions: np.ndarray


class TextDetMetric:
    """Accumulates matches page by page."""

    def __init__(self) -> None:
        self.pages: list[PageMatch] = []
        self.names: list[str] = []

    def reset(self) -> None:
        self.pages, self.names = [], []

    def update(self, prediction: Any, sample: dict[str, Any]) -> None:
        """Adds one page.

        Args:
            prediction: has `quads` and `scores`.
            sample: ``labels``, each with `points` (P, 2) in pixels and `ignore`; ``name`` of the page.
        """
        labels = sample["labels"]
        page = match_page(
            prediction.quads,
            np.asarray(prediction.scores, np.float32),
            [label.points for label in labels],
            np.asarray([label.ignore for label in labels], bool),
        )
        self.pages.append(page)
        self.names.append(str(sample.get("name", len(self.names))))

    def compute(self) -> dict[str, float]:
        """``hmean``, ``precision`` and ``recall`` over all boxes of all pages, 0 to 1."""
        matched = sum(page.num_matched for page in self.pages)
        predicted = sum(int(page.counted_predictions.sum()) for page in self.pages)
        true = sum(int(page.counted_truths.sum()) for page in self.pages)
        precision = matched / predicted if predicted else 0.0
        recall = matched / true if true else 0.0
        return {"hmean": harmonic_mean(precision, recall), "precision": precision, "recall": recall}

    def worst_pages(self, count: int) -> list[tuple[str, float]]:
        """Name and hmean of the `count` pages with the lowest hmean, the worst first."""
        by_hmean = sorted(zip(self.names, (page.hmean for page in self.pages), strict=True), key=lambda page: page[1])
        return by_hmean[:count]

    def precision_recall_curve(self, num_points: int = 101) -> dict[str, np.ndarray]:
        """Precision and recall by the score that a box must have.

        The matching is the one made with all boxes: a curve over what was predicted, not a new evaluation per point.

        Returns:
            ``score``, ``precision``, ``recall``: float64 (num_points,), scores rising from the lowest to the highest.
        """
        scores = _joined([page.scores[page.counted_predictions] for page in self.pages])
        matched = _joined([page.scores[page.pairs[:, 1]] for page in self.pages])
        true = sum(int(page.counted_truths.sum()) for page in self.pages)
        if not len(scores):
            return {"score": np.zeros(0), "precision": np.zeros(0), "recall": np.zeros(0)}
        at = np.linspace(scores.min(), scores.max(), num_points)
        num_predicted = len(scores) - np.searchsorted(np.sort(scores), at, side="left")
        num_matched = len(matched) - np.searchsorted(np.sort(matched), at, side="left")
        precision = np.divide(num_matched, num_predicted, out=np.ones(num_points), where=num_predicted > 0)
        return {"score": at, "precision": precision, "recall": num_matched / max(true, 1)}


def match_page(
    predicted: Sequence[np.ndarray] | np.ndarray,
    scores: np.ndarray,
    true: Sequence[np.ndarray] | np.ndarray,
    ignored: np.ndarray,
) -> PageMatch:
    """Matches the polygons of one page; both sides in the order given.

    Args:
        predicted: N polygons (P, 2).
        scores: float32 (N,).
        true: T polygons (P, 2).
        ignored: bool (T,).
    """
    pairs = overlapping_pairs(predicted, true, ignored)
    return PageMatch(
        greedy_match(pairs.overlaps), scores, pairs.counted_truths, pairs.counted_predictions
    )


def overlapping_pairs(
    predicted: Sequence[np.ndarray] | np.ndarray, true: Sequence[np.ndarray] | np.ndarray, ignored: np.ndarray
) -> PagePairs:
    """The pairs that may match, and which boxes count; arguments as in `match_page`."""
    found, truth = _polygons(predicted), _polygons(true)
    valid_found, valid_truth = shapely.is_valid(found), shapely.is_valid(truth)
    counted_truths = valid_truth & ~ignored
    counted_predictions = valid_found.copy()
    found_area, truth_area = shapely.area(found), shapely.area(truth)

    most = _box_intersection(shapely.bounds(truth), shapely.bounds(found))
    # Most pairs are settled by their bounding boxes: the intersection can't be larger than theirs.
    maybe_inside = (most > IGNORED_SHARE * found_area) & (valid_truth & ignored)[:, None] & valid_found
    rows, columns = np.nonzero(maybe_inside)
    inside = shapely.area(shapely.intersection(truth[rows], found[columns])) > IGNORED_SHARE * found_area[columns]
    counted_predictions[columns[inside & (found_area[columns] > 0)]] = False

    union = truth_area[:, None] + found_area - most
    maybe_match = (most > IOU_THRESHOLD * union) & counted_truths[:, None] & counted_predictions
    rows, columns = np.nonzero(maybe_match)
    shared = shapely.area(shapely.intersection(truth[rows], found[columns]))
    overlap = shared > IOU_THRESHOLD * (truth_area[rows] + found_area[columns] - shared)
    return PagePairs(np.stack([rows, columns], axis=1)[overlap], counted_truths, counted_predictions)


def greedy_match(overlaps: np.ndarray) -> np.ndarray:
    """From sorted pairs int64 (K, 2) those that are taken: each true box takes the first prediction still free."""
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
    """Of one page: with nothing to find recall is 1, and precision is 1 if nothing was found either, else 0."""
    if num_true == 0:
        return float(num_predicted == 0), 1.0
    return (num_matched / num_predicted if num_predicted else 0.0), num_matched / num_true


def harmonic_mean(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _polygons(outlines: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """shapely polygons (N,) of outlines (P, 2)."""
    if isinstance(outlines, np.ndarray) and outlines.ndim == 3 and len(outlines):
        return shapely.polygons(outlines.astype(np.float64))
    return np.asarray([shapely.Polygon(np.asarray(points, np.float64)) for points in outlines], object)


def _box_intersection(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Areas (T, N) shared by bounding boxes (T, 4) and (N, 4), each x0, y0, x1, y1."""
    first, second = first.reshape(-1, 4)[:, None], second.reshape(-1, 4)[None]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    return np.prod(np.clip(sides, 0, None), axis=-1)


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(0)
