"""How often the nearest known image is of the right class, and whether its nearness tells known from unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.ground.spreadsheet import csv_text

GALLERY, QUERY = "gallery", "query"
"""Roles of an image: it is known, or looked for; one of another role is both, save to itself."""
TOP = 5
AT_ONCE = 1 << 23
"""Comparisons that are held at a time."""
TIE = 1e-6
"""What a right image must be nearer by than a wrong one: equal features tell nothing."""
NONE = -2.0
"""Stands for the nearest image where there is none: less than any cosine."""


@dataclass(frozen=True)
class NearestImages:
    """What was found for queries, a row each.

    Attributes:
        nearest: places in the gallery of the nearest images, best first, (Q, at most 5).
        precision: average precision of the right images; NaN where the gallery has none.
        own, other: cosine of the nearest image of the right class and of another one; `NONE` where there is none.
    """

    nearest: np.ndarray
    precision: np.ndarray
    own: np.ndarray
    other: np.ndarray


def search(queries: np.ndarray, gallery: np.ndarray, is_right: np.ndarray, may_be: np.ndarray) -> NearestImages:
    """Looks for `queries` (Q, D) in `gallery` (G, D), both of length 1.

    Args:
        is_right: bool (Q, G), of the same class.
        may_be: bool (Q, G), what counts as known to a query: not itself.
    """
    cosines = np.where(may_be, queries @ gallery.T - TIE * is_right, NONE).astype(np.float32)
    order = np.argsort(-cosines, axis=1, kind="stable")
    right = np.take_along_axis(is_right & may_be, order, 1)
    ranks = np.arange(1, right.shape[1] + 1)
    number = right.sum(axis=1)
    precision = (np.cumsum(right, axis=1) / ranks * right).sum(axis=1) / np.where(number, number, np.nan)
    own = np.where(is_right, cosines, NONE).max(axis=1, initial=NONE)
    other = np.where(is_right, NONE, cosines).max(axis=1, initial=NONE)
    return NearestImages(order[:, :TOP], precision, own, other)


def in_parts(
    features: np.ndarray, classes: np.ndarray, queries: np.ndarray, gallery: np.ndarray
) -> Iterator[tuple[np.ndarray, NearestImages]]:
    """What is found for some queries after the others, with their places; no image is known to itself.

    Args:
        features: (N, D), of length 1; `classes` (N,) are theirs.
        queries, gallery: places among them.
    """
    step, known = max(AT_ONCE // len(gallery), 1), features[gallery]
    for start in range(0, len(queries), step):
        some = queries[start : start + step]
        is_right, may_be = classes[some, None] == classes[gallery], some[:, None] != gallery
        yield some, search(features[some], known, is_right, may_be)


@dataclass
class RetrievalMetric(Metric):
    """Accumulates images one by one; what is known comes before what is looked for.

    Training images, where they are evaluated, are each looked for among all others.
    """

    errors: ClassVar[frozenset[str]] = frozenset()

    features: list[np.ndarray] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    threshold: float = 0.0
    _known: tuple[np.ndarray, np.ndarray] | None = None

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one image; how much nearer its own class is than others, as far as known by now; 1 for known images.

        Args:
            prediction: has `feature` of length 1, and `threshold`.
            sample: its ``truth`` has `name` and `role`.
        """
        value = 1.0
        if sample.truth.role != GALLERY and self.features:
            known, names = self._known_by_now()
            cosines, is_own = known @ prediction.feature, names == sample.truth.name
            value = float(cosines[is_own].max(initial=-1.0) - cosines[~is_own].max(initial=-1.0))
        self.add(prediction, sample.truth)
        return value

    def add(self, prediction: Any, truth: Any) -> None:
        """Adds one image; as `update`, without comparing it."""
        self.features.append(np.asarray(prediction.feature))
        self.classes.append(truth.name)
        self.roles.append(truth.role)
        self.threshold = float(prediction.threshold)
        if truth.role != QUERY:
            self._known = None

    def _known_by_now(self) -> tuple[np.ndarray, np.ndarray]:
        """Features (G, D) of the images that others are looked for among, and the names of their classes."""
        if self._known is None:
            places = [place for place, role in enumerate(self.roles) if role != QUERY] or [0]
            self._known = np.stack([self.features[place] for place in places]), np.asarray(self.classes)[places]
        return self._known

    def found(self) -> Iterator[tuple[np.ndarray, np.ndarray, NearestImages]]:
        """Places of some queries among all images, those of the gallery, and what was found."""
        roles, classes = np.asarray(self.roles), np.asarray(self.classes)
        queries, gallery = np.flatnonzero(roles != GALLERY), np.flatnonzero(roles != QUERY)
        if not len(queries) or not len(gallery):
            return
        for some, found in in_parts(np.stack(self.features), classes, queries, gallery):
            yield some, gallery, found

    def compute(self) -> dict[str, float]:
        """``recall1``, ``recall5``: an image of the right class is the nearest, or among the five nearest. ``mAP``: the
        mean average precision. All three of queries whose class the gallery has.

        ``accepted``: share of them that are right and as near as the threshold. ``refused``: share of all queries that
        would be farther, were their class not in the gallery. ``open``: the mean of the two.
        """
        parts = [
            (found.precision, found.own, found.other, _hits(found, self.classes, some, gallery))
            for some, gallery, found in self.found()
        ]
        if not parts:
            return dict.fromkeys(("recall1", "recall5", "mAP", "accepted", "refused", "open"), 0.0)
        precision, own, other, hits = (np.concatenate(each) for each in zip(*parts, strict=True))
        has_own = own > NONE
        accepted = _mean(((own > other) & (own >= self.threshold))[has_own])
        refused = _mean(other < self.threshold)
        return {
            "recall1": _mean(hits[has_own, 0]),
            "recall5": _mean(hits[has_own].any(axis=1)),
            "mAP": _mean(precision[has_own]),
            "accepted": accepted,
            "refused": refused,
            "open": (accepted + refused) / 2,
        }

    def table(self, names: Sequence[str]) -> dict[str, str]:
        """``queries.csv``: the nearest known image of each query, its class, and the cosine.

        Args:
            names: the images'.
        """
        rows: list[Sequence[object]] = [["image", "class", "nearest", "its class", "cosine"]]
        for queries, gallery, found in self.found():
            nearest, cosines = gallery[found.nearest[:, 0]], np.maximum(found.own, found.other)
            rows += [
                [names[one], self.classes[one], names[other], self.classes[other], round(float(cosine), 4)]
                for one, other, cosine in zip(queries, nearest, cosines, strict=True)
            ]
        return {"queries.csv": csv_text(rows)}


def _hits(found: NearestImages, classes: Sequence[str], queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Bool (Q, `TOP`): whether a place among the nearest is of the right class; of itself nobody is asked."""
    names, hits = np.asarray(classes), np.zeros((len(queries), TOP), bool)
    nearest = gallery[found.nearest]
    hits[:, : nearest.shape[1]] = (names[nearest] == names[queries, None]) & (nearest != queries[:, None])
    return hits


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def best_threshold(features: np.ndarray, classes: Sequence[int], default: float) -> float:
    """The cosine that tells images whose class is known from others best, each looked for among all others.

    Half of the score is the share of images that are found and accepted, half that of those refused when their class is
    taken away; the middle of the best stretch.

    Args:
        features: (N, D), of length 1.
        default: where no class has two images, or all are of one.
    """
    places = np.arange(len(classes))
    parts = [(found.own, found.other) for _, found in in_parts(features, np.asarray(classes), places, places)]
    own, others = (np.concatenate(each) for each in zip(*parts, strict=True))
    has_own = own > NONE
    if not has_own.any() or not (others > NONE).any():
        return default
    right, other = np.sort(own[has_own & (own > others)]), np.sort(others)
    limits = np.unique(np.concatenate([right, other, [1.0]]))
    middles = (limits[1:] + limits[:-1]) / 2
    accepted = (len(right) - np.searchsorted(right, middles)) / has_own.sum()
    refused = np.searchsorted(other, middles) / len(other)
    return float(np.clip(middles[int(np.argmax(accepted + refused))], -1, 1))
