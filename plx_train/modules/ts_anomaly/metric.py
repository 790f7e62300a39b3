"""How well anomalies are found, in all series together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.metrics.events import (
    Detection,
    detection_delay,
    event_wise,
    point_adjusted,
    point_wise,
    random_point_adjusted_f1,
)
from plx_train.metrics.ranking import auroc, average_precision

NUM_PLACES = 100
"""Points of the curve of precision and recall."""


def pooled_figures(labels: Sequence[np.ndarray], scores: Sequence[np.ndarray], threshold: float) -> dict[str, float]:
    """Figures of several series, rows and events counted together; no event goes on from one to the next.

    Args:
        labels: (T,) each, 1 where anomalous, 0 elsewhere.
        scores: (T,) each, higher where stranger.
        threshold: rows with this score or a higher one are called anomalous.
    """
    truth, found = np.concatenate(list(labels)), np.concatenate(list(scores))
    # A normal row of no score between two series keeps their events apart.
    apart = np.concatenate([part for each in labels for part in (each, [0])])[:-1]
    predicted = np.concatenate([part for each in scores for part in (np.asarray(each) >= threshold, [False])])[:-1]
    point, adjusted, event = (each(apart, predicted) for each in (point_wise, point_adjusted, event_wise))
    return {
        "auroc": auroc(truth, found),
        "auprc": average_precision(truth, found),
        **_named("", point),
        **_named("event_", event),
        **_named("adjusted_", adjusted),
        "adjusted_f1_random": random_point_adjusted_f1(apart, float(np.mean(found >= threshold))),
        "delay_rows": detection_delay(apart, predicted),
    }


class TsAnomalyMetric(Metric):
    """Figures over all series that are marked, and the reconstruction error over all normal rows.

    Args:
        is_marked: anomalies are known; without them nothing but the error can be told.
    """

    errors: ClassVar[frozenset[str]] = frozenset({"mse", "delay_rows"})

    def __init__(self, is_marked: bool) -> None:
        self.is_marked = is_marked
        self._scores: list[np.ndarray] = []
        self._labels: list[np.ndarray | None] = []
        self._threshold = float("nan")

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds a series; its own auroc, or where that is not defined the share of rows called right; else its error.

        Args:
            prediction: has `scores` (T,) and `threshold`.
            sample: its truth is (T,) of 0 and 1, or None.
        """
        labels, scores = sample.truth, np.asarray(prediction.scores)
        self._scores.append(scores)
        self._labels.append(labels)
        self._threshold = prediction.threshold
        if not self.is_marked:
            return float(scores.mean())
        if labels is None:
            return 1.0
        value = auroc(labels, scores)
        return value if np.isfinite(value) else float(np.mean((scores >= self._threshold) == (labels > 0)))

    def compute(self) -> dict[str, float]:
        """All figures, the monitored one first; those without a value are left out.

        ``mse`` is the mean score of normal rows: for a single network that is not smoothed its reconstruction error.
        """
        pairs = zip(self._labels, self._scores, strict=True)
        normal = [scores if labels is None else scores[labels == 0] for labels, scores in pairs]
        error = {"mse": float(np.concatenate(normal).mean()) if normal else float("nan")}
        marked = self._marked()
        if not marked:
            return error
        found = pooled_figures([labels for labels, _ in marked], [scores for _, scores in marked], self._threshold)
        return {name: value for name, value in (found | error).items() if np.isfinite(value) or name == "auroc"}

    def _marked(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Marks and scores of the series whose anomalies are known; none where that is not asked for."""
        pairs = zip(self._labels, self._scores, strict=True)
        return [(labels, scores) for labels, scores in pairs if labels is not None and self.is_marked]

    def curve(self) -> list[tuple[float, float]]:
        """(recall, precision) of rows, at 100 thresholds."""
        marked = self._marked()
        if not marked:
            return []
        truth, scores = (np.concatenate(parts) for parts in zip(*marked, strict=True))
        hits = np.cumsum(truth[np.argsort(-scores, kind="stable")] > 0)
        # As many places among the few highest scores as among the many others.
        places = np.unique(np.geomspace(1, len(hits), NUM_PLACES).round().astype(int)) - 1
        return [(float(hits[place] / hits[-1]), float(hits[place] / (place + 1))) for place in places]


def _named(prefix: str, found: Detection) -> dict[str, float]:
    return {f"{prefix}{name}": value for name, value in asdict(found).items()}
