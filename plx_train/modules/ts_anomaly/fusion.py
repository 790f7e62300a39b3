"""Fusing trained members: their ranks from held-out rows, and how each fares beside the fusion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from plx_train.metrics.ranking import auroc, average_precision
from plx_train.modules.ts_anomaly.data import WholeSeries
from plx_train.modules.ts_anomaly.rank_average import RankScale, fit_ranks
from plx_train.modules.ts_anomaly.scores import root_scores
from plx_train.series.fusion import beside_best

MEMBER = "members.0."
"""Where a run of one network keeps it."""


def rank_scales(detector: Any, holdout: WholeSeries) -> list[RankScale]:
    """The scale of each member's scores on the rows of `holdout` that are not marked as anomalous."""
    found = []
    for place in range(len(detector.members)):
        scores = member_scores(detector, place, holdout)
        normal = [
            each if marks is None else each[marks == 0] for each, marks in zip(scores, holdout.marks, strict=True)
        ]
        found.append(fit_ranks(np.concatenate(normal)))
    return found


def member_scores(detector: Any, place: int, dataset: WholeSeries) -> list[np.ndarray]:
    """Scores float64 (T,) of each series by one member."""
    roots: Callable[[np.ndarray], np.ndarray] = partial(detector.member_roots, place)
    context, stride = dataset.processor.context, dataset.processor.stride
    found = []
    for series in dataset.series:
        rows = dataset.processor.scaled(series)
        found.append(np.square(root_scores(rows, lambda windows: windows + roots(windows), context, stride)))
    return found


def compare(scores: dict[str, list[np.ndarray]], marks: Sequence[np.ndarray | None]) -> dict[str, dict[str, float]]:
    """auroc and auprc of every member and of the fusion, over the rows of all series that are marked."""
    known = [place for place, each in enumerate(marks) if each is not None]
    if not known:
        return {}
    truth = np.concatenate([np.asarray(marks[place]) for place in known])
    joined = {name: np.concatenate([each[place] for place in known]) for name, each in scores.items()}
    return {
        name: {"auroc": auroc(truth, each), "auprc": average_precision(truth, each)} for name, each in joined.items()
    }


def verdict(figures: dict[str, dict[str, float]]) -> list[str]:
    """Sentences on what each member reaches, and whether the fusion is better than the best of them."""
    members = {name: found["auroc"] for name, found in figures.items()}
    fusion = members.pop("fusion")
    shown = ", ".join(f"{name} {value:.4f}" for name, value in members.items())
    return [f"auroc: {shown}; fusion {fusion:.4f}", beside_best(members, fusion, 1, "auroc {:.4f} against {:.4f}")]
