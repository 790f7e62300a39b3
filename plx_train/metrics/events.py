"""How well marked rows are found: by rows, by events, and how much point adjustment flatters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NUM_DRAWS = 2000
"""Number of random answers, for what chance alone would get."""


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


def _detection(hits: int, answers: int, wanted: int) -> Detection:
    return Detection(_ratio(hits, answers), _ratio(hits, wanted), _ratio(2 * hits, answers + wanted))


def _num_hit(runs: np.ndarray, marks: np.ndarray) -> int:
    """How many of the runs hold a marked row."""
    before = np.concatenate([[0], np.cumsum(np.asarray(marks).astype(bool))])
    return int((before[runs[:, 1]] > before[runs[:, 0]]).sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
