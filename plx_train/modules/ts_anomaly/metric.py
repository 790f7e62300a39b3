"""How well anomalies are found: by rows, by events, by rank, and how much point adjustment flatters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from plx_train.contract.module import Metric

NUM_PLACES = 100
"""Points of the curve of precision and recall."""
NUM_DRAWS = 2000
"""Of random answers, for what chance alone would get."""


@dataclass(frozen=True)
class Detection:
    """Each 0 to 1; 0 where there is nothing to divide by."""

    precision: float
    recall: float
    f1: float


def events(labels: np.ndarray) -> np.ndarray:
    """Runs of ones as (first row, row after the last), int64 (E, 2)."""
    edges = np.diff(np.concatenate([[0], np.asarray(labels).astype(bool).astype(np.int8), [0]]))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


def point_wise(labels: np.ndarray, predicted: np.ndarray) -> Detection:
    """Every row counts by itself.

    Args:
        labels: (T,) 1 where anomalous, 0 elsewhere.
        predicted: (T,) 1 where called anomalous.
    """
    truth, answers = np.asarray(labels).astype(bool), np.asarray(predicted).astype(bool)
    return _detection(int((truth & answers).sum()), int(answers.sum()), int(truth.sum()))


def point_adjusted(labels: np.ndarray, predicted: np.ndarray) -> Detection:
    """Rows again, but one hit in a true event counts as all rows of the event (Xu et al., 2018).

    It flatters: long events are hit by chance. See `random_point_adjusted_f1`.
    """
    adjusted = np.asarray(predicted).astype(bool).copy()
    for first, end in events(labels):
        adjusted[first:end] = adjusted[first:end].any()
    return point_wise(labels, adjusted)


def event_wise(labels: np.ndarray, predicted: np.ndarray) -> Detection:
    """Events count, long or short: a true one is found, and a predicted one right, if it overlaps one of the other."""
    true, answers = events(labels), events(predicted)
    found, right = _num_hit(true, predicted), _num_hit(answers, labels)
    precision, recall = right / max(len(answers), 1), found / max(len(true), 1)
    return Detection(precision, recall, _ratio(2 * precision * recall, precision + recall))


def detection_delay(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Rows from the start of an event to its first hit, median over the events that are found; NaN if none is."""
    answers = np.asarray(predicted).astype(bool)
    delays = [int(answers[first:end].argmax()) for first, end in events(labels) if answers[first:end].any()]
    return float(np.median(delays)) if delays else float("nan")


def random_point_adjusted_f1(labels: np.ndarray, rate: float) -> float:
    """Point-adjusted F1 of a detector that calls each row anomalous with probability `rate`, whatever it holds.

    An event of n rows is then hit with probability 1 − (1 − rate)ⁿ, however strange it is: what a detector gets beyond
    this is its own. The mean of 2,000 draws, always the same ones; its standard error is below 0.012.

    Args:
        labels: (T,) 1 where anomalous, 0 elsewhere.
        rate: 0 to 1.
    """
    runs = events(labels)
    lengths = runs[:, 1] - runs[:, 0]
    wanted = int(lengths.sum())
    if not wanted:
        return 0.0
    random = np.random.default_rng(0)
    hits = (random.random((NUM_DRAWS, len(lengths))) < 1 - (1 - rate) ** lengths) @ lengths
    false_alarms = random.binomial(len(labels) - wanted, rate, NUM_DRAWS)
    return float(np.mean(2 * hits / (hits + false_alarms + wanted)))


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Probability that an anomalous row scores above a normal one, ties counting half; NaN if all are of one kind."""
    truth = np.asarray(labels).astype(bool)
    num, num_normal = int(truth.sum()), int((~truth).sum())
    if not num or not num_normal:
        return float("nan")
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return float((ranks[truth].sum() - num * (num + 1) / 2) / (num * num_normal))


def auprc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Average precision: precision at each distinct score, weighted by the recall gained there; NaN without anomalies.

    Rows of equal score are called together. Random scores get the share of anomalous rows.
    """
    truth = np.asarray(labels).astype(bool)
    if not truth.any():
        return float("nan")
    order = np.argsort(-np.asarray(scores), kind="stable")
    ends = np.append(np.flatnonzero(np.diff(np.asarray(scores)[order])), len(order) - 1)
    hits = np.cumsum(truth[order])[ends]
    gained = np.diff(hits, prepend=0) / truth.sum()
    return float((gained * hits / (ends + 1)).sum())


def figures(labels: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, float]:
    """Everything above for one series, rows with ``score >= threshold`` being called anomalous.

    Args:
        labels: (T,) 1 where anomalous, 0 elsewhere.
        scores: (T,) higher where stranger.
        threshold: in units of the scores.
    """
    return pooled_figures([labels], [scores], threshold)


def pooled_figures(labels: Sequence[np.ndarray], scores: Sequence[np.ndarray], threshold: float) -> dict[str, float]:
    """The same for several series, rows and events counted together; no event goes on from one to the next."""
    truth, found = np.concatenate(list(labels)), np.concatenate(list(scores))
    # A normal row of no score between two series keeps their events apart.
    apart = np.concatenate([part for each in labels for part in (each, [0])])[:-1]
    predicted = np.concatenate([part for each in scores for part in (np.asarray(each) >= threshold, [False])])[:-1]
    point, adjusted, event = (each(apart, predicted) for each in (point_wise, point_adjusted, event_wise))
    return {
        "auroc": auroc(truth, found),
        "auprc": auprc(truth, found),
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

    def __init__(self, is_marked: bool) -> None:
        self.is_marked = is_marked
        self._scores: list[np.ndarray] = []
        self._labels: list[np.ndarray | None] = []
        self._threshold = float("nan")

    def update(self, prediction: Any, sample: dict[str, Any]) -> float:
        """Adds a series; its own auroc, or where that is not defined the share of rows called right; else its error.

        Args:
            prediction: has `scores` (T,) and `threshold`.
            sample: ``labels`` (T,) of 0 and 1, or None.
        """
        labels, scores = sample["labels"], np.asarray(prediction.scores)
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


def _detection(hits: int, answers: int, wanted: int) -> Detection:
    return Detection(_ratio(hits, answers), _ratio(hits, wanted), _ratio(2 * hits, answers + wanted))


def _num_hit(runs: np.ndarray, marks: np.ndarray) -> int:
    """How many of the runs hold a marked row."""
    before = np.concatenate([[0], np.cumsum(np.asarray(marks).astype(bool))])
    return int((before[runs[:, 1]] > before[runs[:, 0]]).sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
