"""How well defects are found: in pictures, in their pixels, and by kind of defect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.metrics.ranking import auroc, ranked
from plx_train.vision.defects import MARKED
from plx_train.vision.masks import UNCOUNTED

LEVELS = 0x7C01
"""Finite float16 numbers that are not negative; their bits are in order, so that they number themselves."""
MOST_FALSE = 0.3
"""Share of false pixels up to which the overlap of regions is averaged (Bergmann et al., 2019)."""


class FoundDefect(Protocol):
    """What is said of a picture.

    Attributes:
        score: above 1 where it shows a defect.
        heat: of its pixels, float16 (h, w), 0 at least.
        pred: 255 where there is a defect, uint8 (1, h, w).
    """

    score: float
    heat: np.ndarray
    pred: np.ndarray


@dataclass
class PixelCounts:
    """How many pixels have which score: exact curves of any number of pictures, in memory that is known beforehand.

    Attributes:
        clear, marked: numbers of pixels without and with a defect, by score.
        overlap: of regions of defects: shares of them, by score; `regions` is their number.
    """

    clear: np.ndarray = field(default_factory=lambda: np.zeros(LEVELS, np.int64))
    marked: np.ndarray = field(default_factory=lambda: np.zeros(LEVELS, np.int64))
    overlap: np.ndarray = field(default_factory=lambda: np.zeros(LEVELS, np.float64))
    regions: int = 0

    def add(self, heat: np.ndarray, mask: np.ndarray | None) -> None:
        """Takes in a picture's scores float16 (h, w) with its mask of any size; None: there is no defect in it."""
        levels = heat.view(np.uint16)
        if mask is None:
            self.clear += np.bincount(levels.ravel(), minlength=LEVELS)
            return
        truth = at_size(mask, heat.shape)
        self.clear += np.bincount(levels[truth == 0], minlength=LEVELS)
        self.marked += np.bincount(levels[truth == MARKED], minlength=LEVELS)
        number, regions = cv2.connectedComponents((truth == MARKED).astype(np.uint8), connectivity=8)
        sizes = np.bincount(regions.ravel(), minlength=number).astype(np.float64)
        inside = regions > 0
        self.overlap += np.bincount(levels[inside], 1 / sizes[regions[inside]], minlength=LEVELS)
        self.regions += number - 1

    def merged(self, other: PixelCounts) -> PixelCounts:
        """The pictures of both."""
        return PixelCounts(
            self.clear + other.clear,
            self.marked + other.marked,
            self.overlap + other.overlap,
            self.regions + other.regions,
        )

    def figures(self) -> dict[str, float]:
        """``pixel_auroc`` and ``aupro``; nothing where no pixel is marked, or all are."""
        if not self.marked.any() or not self.clear.any():
            return {}
        false, true = (_from_the_top(counts / counts.sum()) for counts in (self.clear, self.marked))
        return {
            "pixel_auroc": float(np.trapezoid(true, false)),
            "aupro": _area(false, _from_the_top(self.overlap / self.regions), MOST_FALSE),
        }


def at_size(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask (H, W) as (h, w); of pixels that fall together one is taken."""
    height, width = shape
    return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST))


def _from_the_top(shares: np.ndarray) -> np.ndarray:
    """Share of what scores at least as high as each level, from the highest on, after a 0."""
    return np.concatenate([[0.0], np.cumsum(shares[::-1])])


def _area(false: np.ndarray, overlap: np.ndarray, most: float) -> float:
    """Area under the overlap up to a share of false pixels, of the area that there could be."""
    inside = false <= most
    at_end = np.interp(most, false, overlap)
    return float(np.trapezoid([*overlap[inside], at_end], [*false[inside], most]) / most)


class DefectMetric(Metric):
    """Accumulates over pictures; truths are `Defect`s."""

    errors = frozenset({"false_alarms"})

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.scores: list[float] = []
        self._good = PixelCounts()
        self._of_kind: dict[str, PixelCounts] = {}
        self._dice = np.zeros(2)

    def update(self, prediction: FoundDefect, sample: Sample) -> float:
        """Takes in a picture; returns how clearly it is told right: 0.5 at the threshold, and 1 at most."""
        truth: Any = sample.truth
        self.kinds.append(truth.kind)
        self.scores.append(prediction.score)
        mask = None if truth.is_good else truth.pixels()
        if truth.is_good:
            self._good.add(prediction.heat, None)
            self._dice[1] += np.count_nonzero(prediction.pred)
        elif mask is not None:
            self._of_kind.setdefault(truth.kind, PixelCounts()).add(prediction.heat, mask)
            self._count_overlap(prediction.pred[0] > 0, at_size(mask, prediction.heat.shape))
        raised = prediction.score / (1 + prediction.score)
        return 1 - raised if truth.is_good else raised

    def _count_overlap(self, found: np.ndarray, mask: np.ndarray) -> None:
        counted, marked = mask != UNCOUNTED, mask == MARKED
        self._dice += 2 * np.count_nonzero(found & marked), np.count_nonzero(found & counted) + np.count_nonzero(marked)

    def compute(self) -> dict[str, float]:
        """Figures over all pictures; those of pixels where masks are known."""
        figures = image_figures(self.kinds, self.scores)
        if self._of_kind:
            every = self._good
            for one in self._of_kind.values():
                every = every.merged(one)
            figures |= every.figures() | {"dice": float(self._dice[0] / max(self._dice[1], 1))}
        return {name: value for name, value in figures.items() if not np.isnan(value)}

    def by_kind(self) -> dict[str, dict[str, float]]:
        """Figures of each kind of defect beside all good pictures."""
        found = {}
        for kind in sorted({*self.kinds} - {"good"}):
            both = [place for place, one in enumerate(self.kinds) if one in ("good", kind)]
            row = image_figures([self.kinds[place] for place in both], [self.scores[place] for place in both])
            row["pictures"] = self.kinds.count(kind)
            if kind in self._of_kind:
                row |= self._good.merged(self._of_kind[kind]).figures()
            found[kind] = row
        return found


def image_figures(kinds: Sequence[str], scores: Sequence[float]) -> dict[str, float]:
    """Figures of pictures of these kinds: of their order, at the threshold 1, and at the one of the best F1."""
    shows = np.asarray([kind != "good" for kind in kinds])
    given = np.asarray(scores)
    called = given > 1
    hits = int((called & shows).sum())
    figures = {
        "image_auroc": auroc(shows, given),
        "f1": 2 * hits / max(int(called.sum() + shows.sum()), 1),
        "recall": hits / shows.sum() if shows.any() else float("nan"),
        "precision": hits / called.sum() if called.any() else 0.0,
        "false_alarms": called[~shows].mean() if not shows.all() else float("nan"),
    }
    if shows.any():
        _, ends, found = ranked(shows, given)
        figures["best_f1"] = (2 * found / (ends + 1 + shows.sum())).max()
    return {name: float(value) for name, value in figures.items()}
