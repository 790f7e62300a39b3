"""Chooses thresh, box_thresh and unclip_ratio on pages held out of training, from their probability maps.

The network isn't run again. Per map and `thresh` the regions are found once, per `unclip_ratio` they are
grown and met with the true boxes once, and every `box_thresh` is then a matter of leaving boxes out. Each
step is the processor's own, so a setting's figure is exactly what the processor would reach with it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from plx_train.modules.text_det.metric import (
    IOU_LEVELS,
    PagePairs,
    greedy_match,
    harmonic_mean,
    overlapping_pairs,
    prepare_truths,
)
from plx_train.modules.text_det.processor import TextDetProcessor

THRESHES = (0.2, 0.3, 0.4, 0.5)
BOX_THRESHES = (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8)
UNCLIP_RATIOS = (0.6, 0.8, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.7, 2.0)
MIN_GAIN = 0.001
"""Gain of hmean on the held-out pages below which the settings stay: less is no more than chance."""


@dataclass(frozen=True)
class Setting:
    """One point of the grid and what it reaches on the held-out pages (0 to 1); `fit` is what it is judged by."""

    thresh: float
    box_thresh: float
    unclip_ratio: float
    fit: float
    hmean: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Calibration:
    """The outcome of `calibrate`.

    Attributes:
        processor: the given one with the chosen values.
        hmean: on the held-out pages with the chosen values.
        base_hmean: the same before, with the given ones.
        table: every setting of the grid, in the grid's order.
        num_pages: number of held-out pages.
    """

    processor: TextDetProcessor
    hmean: float
    base_hmean: float
    table: tuple[Setting, ...]
    num_pages: int

    def to_json(self) -> dict[str, Any]:
        """Plain numbers: chosen values, hmean before and after, and the whole table."""
        return {
            "thresh": self.processor.thresh,
            "box_thresh": self.processor.box_thresh,
            "unclip_ratio": self.processor.unclip_ratio,
            "hmean": self.hmean,
            "base_hmean": self.base_hmean,
            "num_pages": self.num_pages,
            "table": [asdict(setting) for setting in self.table],
        }


def calibrate(
    maps: Sequence[np.ndarray],
    shapes: Sequence[tuple[int, int]],
    labels: Sequence[Sequence[Any]],
    base: TextDetProcessor,
    min_gain: float = MIN_GAIN,
) -> Calibration:
    """Tries the grid, and `base`'s own values, on the held-out pages.

    The best fit, mean hmean at `IOU_LEVELS`, wins. Settings that reach it within a tenth of `min_gain` count as
    equal, and of them the one nearest to `base` is taken; `base` stays if the gain is below `min_gain`.

    Args:
        maps: probability maps float32 (h, w), 0 to 1.
        shapes: height and width of each page's image.
        labels: per page its true boxes, each with `points` (P, 2) in pixels and `ignore`.
        base: the processor to improve.
    """
    grid = _grid(base)
    totals = np.zeros(grid.shape, np.int64)
    for prob_map, shape, page_labels in zip(maps, shapes, labels, strict=True):
        totals += _page_counts(np.asarray(prob_map, np.float32), shape, page_labels, base, grid)
    table = tuple(_settings(totals, grid))
    now = next(setting for setting in table if _distance(setting, base) == 0)
    chosen = _choose(table, now, base, min_gain)
    processor = replace(base, thresh=chosen.thresh, box_thresh=chosen.box_thresh, unclip_ratio=chosen.unclip_ratio)
    return Calibration(processor, chosen.hmean, now.hmean, table, len(maps))


@dataclass(frozen=True)
class _Grid:
    threshes: tuple[float, ...]
    box_threshes: tuple[float, ...]
    unclip_ratios: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of counts: by thresh, unclip_ratio, box_thresh and IoU level, the matched, predicted and true boxes."""
        return len(self.threshes), len(self.unclip_ratios), len(self.box_threshes), len(IOU_LEVELS), 3


def _grid(base: TextDetProcessor) -> _Grid:
    return _Grid(
        tuple(sorted({*THRESHES, base.thresh})),
        tuple(sorted({*BOX_THRESHES, base.box_thresh})),
        tuple(sorted({*UNCLIP_RATIOS, base.unclip_ratio})),
    )


def _page_counts(
    prob_map: np.ndarray, shape: tuple[int, int], labels: Sequence[Any], base: TextDetProcessor, grid: _Grid
) -> np.ndarray:
    """Counts of one page, int64 of `grid.shape`."""
    truths = prepare_truths(labels)
    counts = np.zeros(grid.shape, np.int64)
    for row, thresh in enumerate(grid.threshes):
        regions = replace(base, thresh=thresh).regions(prob_map, grid.box_threshes[0])
        for column, ratio in enumerate(grid.unclip_ratios):
            boxes, kept = replace(base, unclip_ratio=ratio).grow(regions, shape)
            pairs = overlapping_pairs(boxes, truths)
            counts[row, column] = _counts_by_score(pairs, regions.scores[kept], grid.box_threshes)
    return counts


def _counts_by_score(pairs: PagePairs, scores: np.ndarray, box_threshes: Sequence[float]) -> np.ndarray:
    """Matched, predicted and true boxes with each of `box_threshes` at each IoU level, int64 (B, L, 3)."""
    counts = np.zeros((len(box_threshes), len(IOU_LEVELS), 3), np.int64)
    kept = scores >= np.asarray(box_threshes)[:, None]
    counts[..., 1] = (pairs.counted_predictions & kept).sum(axis=1)[:, None]
    counts[..., 2] = pairs.counted_truths.sum()
    if pairs.is_one_to_one:
        good = pairs.ious > np.asarray(IOU_LEVELS)[:, None]
        counts[..., 0] = (kept[:, None, pairs.overlaps[:, 1]] & good).sum(axis=2)
        return counts
    for (row, above), (level, least_iou) in itertools.product(enumerate(kept), enumerate(IOU_LEVELS)):
        met = above[pairs.overlaps[:, 1]] & (pairs.ious > least_iou)
        counts[row, level, 0] = len(greedy_match(pairs.overlaps[met]))
    return counts


def _settings(totals: np.ndarray, grid: _Grid) -> Iterator[Setting]:
    places = itertools.product(enumerate(grid.threshes), enumerate(grid.unclip_ratios), enumerate(grid.box_threshes))
    for (row, thresh), (column, ratio), (layer, box_thresh) in places:
        rates = [
            (matched / max(predicted, 1), matched / max(true, 1))
            for matched, predicted, true in totals[row, column, layer].tolist()
        ]
        fit = sum(harmonic_mean(*rate) for rate in rates) / len(rates)
        yield Setting(thresh, box_thresh, ratio, fit, harmonic_mean(*rates[0]), *rates[0])


def _choose(table: Sequence[Setting], now: Setting, base: TextDetProcessor, min_gain: float) -> Setting:
    best = max(setting.fit for setting in table)
    if best - now.fit < min_gain:
        return now
    equal = [setting for setting in table if setting.fit >= best - min_gain / 10]
    return min(equal, key=lambda setting: (_distance(setting, base), -setting.fit))


def _distance(setting: Setting, base: TextDetProcessor) -> float:
    """How far a setting lies from `base`'s, in relative steps."""
    return math.hypot(
        math.log(setting.thresh / base.thresh),
        math.log(setting.box_thresh / base.box_thresh),
        math.log(setting.unclip_ratio / base.unclip_ratio),
    )
