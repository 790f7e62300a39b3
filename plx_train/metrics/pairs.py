"""How well the cosine of two images tells whether they show the same: as faces are measured (LFW)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.ground.spreadsheet import csv_text
from plx_train.metrics.ranking import auroc
from plx_train.vision.things import PAIR

FOLDS = 10
FALSE_ALARMS = (0.1, 0.01, 0.001, 0.0001)
"""Shares of pairs of two things that may be taken for one."""


@dataclass
class PairMetric(Metric):
    """Accumulates images one by one, each compared with images before it.

    Images whose truth names no others, of classes, are compared with the last one of their class and the last one of
    another.
    """

    errors: ClassVar[frozenset[str]] = frozenset()

    features: list[np.ndarray] = field(default_factory=list)
    pairs: list[tuple[int, int, bool]] = field(default_factory=list)
    """Places of both images, and whether they show the same."""
    cosines: list[float] = field(default_factory=list)
    threshold: float = 0.0
    _places: dict[str, int] = field(default_factory=dict)

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one image; how far the worst of its pairs lies on the right side of the threshold, 1 for none.

        Args:
            prediction: has `feature` of length 1, and `threshold`.
            sample: its ``truth`` has `name`, `role` and, where that is `PAIR`, `mates`.
        """
        first = len(self.pairs)
        self.add(prediction, sample.truth)
        added = zip(self.cosines[first:], self.pairs[first:], strict=True)
        return min((self._beyond(cosine, is_same) for cosine, (_, _, is_same) in added), default=1.0)

    def _beyond(self, cosine: float, is_same: bool) -> float:
        return cosine - self.threshold if is_same else self.threshold - cosine

    def add(self, prediction: Any, truth: Any) -> None:
        """Adds one image; as `update`."""
        self.threshold = float(prediction.threshold)
        mates = [(each.name, each.is_same) for each in truth.mates] if truth.role == PAIR else None
        self.compare(np.asarray(prediction.feature), truth.name, mates)

    def compare(self, feature: np.ndarray, name: str, mates: Sequence[tuple[str, bool]] | None) -> None:
        """Adds the feature of an image that is called `name`, or is of the class `name` where it names no others."""
        place = len(self.features)
        # Of images that could not be read there is none.
        known = self._of_classes(name) if mates is None else [each for each in mates if each[0] in self._places]
        for other, is_same in known:
            self.pairs.append((self._places[other], place, is_same))
            self.cosines.append(float(self.features[self._places[other]] @ feature))
        self.features.append(feature)
        # The latest comes last, of classes too.
        self._places.pop(name, None)
        self._places[name] = place

    def _of_classes(self, name: str) -> list[tuple[str, bool]]:
        """The class itself and the latest other one, as far as there are images of them."""
        other = next((each for each in reversed(self._places) if each != name), None)
        return [(each, each == name) for each in (name, other) if each is not None and each in self._places]

    def compute(self) -> dict[str, float]:
        """``accuracy``: of ten parts of the pairs, in their order, each by the threshold that is best on the other
        nine; the mean. ``accuracy_kept``: by the model's own threshold. ``auroc``: that a pair of one thing is nearer
        than one of two. ``tar_far_0.01`` and its like: the share of pairs of one thing that are accepted where so many
        of two things are; left out where there are too few of these for one to be.
        """
        is_same = np.asarray([each for _, _, each in self.pairs], bool)
        cosines = np.asarray(self.cosines)
        if is_same.all() or not is_same.any():
            return dict.fromkeys(("accuracy", "accuracy_kept", "auroc"), 0.0)
        return {
            "accuracy": folded_accuracy(cosines, is_same),
            "accuracy_kept": float(((cosines >= self.threshold) == is_same).mean()),
            "auroc": auroc(is_same, cosines),
            **accepted(cosines, is_same),
        }

    def table(self, names: Sequence[str]) -> dict[str, str]:
        """``pairs.csv``: both images of each pair, whether they show the same, and the cosine.

        Args:
            names: the images'.
        """
        rows: list[Sequence[object]] = [["image", "other", "same", "cosine"]]
        for (one, other, is_same), cosine in zip(self.pairs, self.cosines, strict=True):
            rows.append([names[one], names[other], int(is_same), round(cosine, 4)])
        return {"pairs.csv": csv_text(rows)}


def best_cut(cosines: np.ndarray, is_same: np.ndarray) -> float:
    """The cosine from which on pairs are taken for one thing so that most are right: in the middle of where that holds.

    Args:
        cosines: (N,), one at least.
        is_same: bool (N,).
    """
    order = np.argsort(cosines, kind="stable")
    values, same = cosines[order], is_same[order]
    # Of the cut before each value, and of one behind all: pairs of two things below, and of one thing from there on.
    right = np.concatenate([[0], np.cumsum(~same)]) + np.concatenate([np.cumsum(same[::-1])[::-1], [0]])
    edges = np.concatenate([[values[0] - 1], values, [values[-1] + 1]])
    is_cut = edges[1:] > edges[:-1]
    best = int(np.argmax(np.where(is_cut, right, -1)))
    return float((edges[best] + edges[best + 1]) / 2)


def folded_accuracy(cosines: np.ndarray, is_same: np.ndarray) -> float:
    """Mean share of right pairs in `FOLDS` parts, in their order, each by the cut that is best on the others."""
    parts = np.array_split(np.arange(len(cosines)), min(FOLDS, len(cosines)))
    shares = []
    for part in parts:
        others = np.ones(len(cosines), bool)
        others[part] = False
        cut = best_cut(cosines[others], is_same[others])
        shares.append(float(((cosines[part] >= cut) == is_same[part]).mean()))
    return float(np.mean(shares))


def accepted(cosines: np.ndarray, is_same: np.ndarray) -> dict[str, float]:
    """Share of the pairs of one thing that are nearer than all pairs of two things but `FALSE_ALARMS` of these."""
    own, others = cosines[is_same], np.sort(cosines[~is_same])[::-1]
    allowed = {share: int(share * len(others) + 1e-9) for share in FALSE_ALARMS}
    return {
        f"tar_far_{share:g}": float((own > others[number]).mean()) for share, number in allowed.items() if number > 0
    }


def best_pair_threshold(features: np.ndarray, classes: Sequence[int], default: float) -> float:
    """The cosine that tells best whether two images are of one class, as `PairMetric` pairs images of classes.

    Args:
        features: (N, D), of length 1.
        default: where no class has two images, or all are of one.
    """
    metric = PairMetric()
    for feature, number in zip(features, classes, strict=True):
        metric.compare(feature, str(number), None)
    is_same = np.asarray([each for _, _, each in metric.pairs], bool)
    if is_same.all() or not is_same.any():
        return default
    return float(np.clip(best_cut(np.asarray(metric.cosines), is_same), -1, 1))
