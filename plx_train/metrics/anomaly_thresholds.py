"""Rules for the score from which on a row is called anomalous: percentile, best F1, peaks over threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plx_train.ground.errors import ConfigError, DataError
from plx_train.metrics.ranking import ranked

MIN_EXCESSES = 10
"""Fewer say nothing about the shape of a tail."""

MIN_SHAPE = -0.5
"""Below it the likelihood of a generalised Pareto has no regular maximum (Smith, 1985)."""


@dataclass(frozen=True)
class Threshold:
    """Rows with ``score >= value`` are anomalous, as in PaddleX; `detail` says in one sentence where it comes from."""

    value: float
    rule: str
    detail: str


def percentile(scores: np.ndarray, percent: float = 99.0) -> Threshold:
    """The score that `percent` of the normal rows stay below.

    Args:
        scores: (T,) of normal rows, held out from training.
        percent: above 0 and below 100.

    Raises:
        ConfigError: `percent` out of range.
        DataError: Too few scores for such a percentile, or scores that are all alike or not finite.
    """
    if not 0 < percent < 100:
        raise ConfigError(f"a percentile of {percent:g} cannot be taken: give one above 0 and below 100, such as 99")
    scores = _checked(scores)
    needed = int(np.ceil(100 / (100 - percent)))
    if len(scores) < needed:
        raise DataError(
            f"percentile {percent:g} needs scores of {needed} normal rows at least and there are {len(scores)}: "
            "lower it, or give a longer series"
        )
    value = float(np.percentile(scores, percent))
    return Threshold(value, "percentile", f"Percentile {percent:g} of the scores of {len(scores)} normal rows.")


def best_f1(scores: np.ndarray, labels: np.ndarray) -> Threshold:
    """The threshold with the best point-wise F1 on labelled rows; the highest one where several are equally good.

    Args:
        scores: (T,) of rows held out from training.
        labels: (T,) 1 where anomalous, 0 elsewhere.

    Raises:
        DataError: No labels, labels of one kind only, or scores that are all alike or not finite.
    """
    truth = np.asarray(labels).astype(bool)
    if len(truth) == 0:
        raise DataError("the rule best_f1 needs labelled rows and there are none: take percentile or pot instead")
    if truth.all() or not truth.any():
        kind = "anomalous" if truth.any() else "normal"
        raise DataError(
            f"the rule best_f1 needs normal and anomalous rows and all {len(truth)} are {kind}: "
            "hold out a part with both, or take percentile or pot instead"
        )
    scores = _checked(scores)
    ordered, ends, hits = ranked(truth, scores)
    answers = ends + 1
    f1 = 2 * hits / (answers + truth.sum())
    best = int(np.argmax(f1))
    detail = (
        f"Best point-wise F1 {f1[best]:.3f} (precision {hits[best] / answers[best]:.3f}, "
        f"recall {hits[best] / truth.sum():.3f}) on {len(truth)} labelled rows, {truth.sum()} of them anomalous."
    )
    return Threshold(_between(ordered, int(ends[best])), "best_f1", detail)


def pot(scores: np.ndarray, risk: float = 1e-4, level: float = 0.98) -> Threshold:
    """Peaks over threshold (Siffer et al., 2017): the score that a normal row exceeds with probability `risk`.

    A generalised Pareto distribution is fitted to what exceeds the `level` quantile of the scores.

    Args:
        scores: (T,) of normal rows, held out from training.
        risk: above 0 and below ``1 - level``.
        level: quantile from which on scores count as peaks.

    Raises:
        ConfigError: `risk` or `level` out of range.
        DataError: Fewer than 10 scores exceed the level, or scores are all alike or not finite.
    """
    if not 0 < level < 1 or not 0 < risk < 1 - level:
        raise ConfigError(
            f"pot cannot take risk {risk:g} with level {level:g}: a level is below 1, a risk below 1 − level"
        )
    scores = _checked(scores)
    start = float(np.quantile(scores, level))
    excesses = scores[scores > start] - start
    if len(excesses) < MIN_EXCESSES:
        raise DataError(
            f"pot needs at least {MIN_EXCESSES} normal rows with scores above their quantile {level:g} and there are "
            f"{len(excesses)} of {len(scores)}: lower the level, or give a longer series"
        )
    shape, scale = fit_pareto(excesses)
    share = risk * len(scores) / len(excesses)
    above = -np.log(share) if shape == 0 else np.expm1(-shape * np.log(share)) / shape
    detail = (
        f"Peaks over threshold: {len(excesses)} of {len(scores)} normal rows exceed {start:.4g} "
        f"(quantile {level:g}), generalised Pareto of shape {shape:.3f} and scale {scale:.4g}, risk {risk:g}."
    )
    return Threshold(start + scale * float(above), "pot", detail)


def fit_pareto(excesses: np.ndarray) -> tuple[float, float]:
    """Shape and scale of the generalised Pareto distribution with the highest likelihood, shape at least −0.5.

    Grimshaw (1993): with θ = shape / scale the best shape is mean log(1 + θ·x), which leaves a search over θ alone.

    Args:
        excesses: (N,) above 0.
    """
    mean = float(excesses.mean())
    units = excesses / mean
    lowest = -1 / float(units.max())
    # Dense near 0 (the exponential distribution) and towards the lowest θ, where the shape falls without bound.
    below = lowest * (1 - np.geomspace(1e-8, 1 - 1e-6, 120))
    grid = np.concatenate([below, np.geomspace(1e-6, 1e4, 120)])
    values = np.array([_likelihood(theta, units) for theta in grid])
    best = int(np.argmax(values))
    left, right = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    theta = _highest(left, right, units)
    if _likelihood(theta, units) <= -1 + 1e-12:
        # The exponential distribution, whose likelihood is −1 here, is at least as good.
        return 0.0, mean
    shape = float(np.log1p(theta * units).mean())
    return shape, shape / theta * mean


def _likelihood(theta: float, units: np.ndarray) -> float:
    """Mean log likelihood of excesses of mean 1 at θ with the shape that suits it best."""
    shape = float(np.log1p(theta * units).mean())
    return -np.inf if shape < MIN_SHAPE or shape == 0 else -np.log(shape / theta) - shape - 1


def _highest(left: float, right: float, units: np.ndarray) -> float:
    """θ of the highest likelihood between two others, by golden section."""
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        first, second = right - ratio * (right - left), left + ratio * (right - left)
        if _likelihood(first, units) > _likelihood(second, units):
            right = second
        else:
            left = first
    return float((left + right) / 2)


def _between(ordered: np.ndarray, end: int) -> float:
    """A threshold that takes the descending scores up to `end`: halfway to the next one, where floats allow."""
    taken = float(ordered[end])
    if end + 1 == len(ordered):
        return taken
    halfway = (taken + float(ordered[end + 1])) / 2
    return halfway if halfway > ordered[end + 1] else taken


def _checked(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    if len(scores) == 0:
        raise DataError("a threshold needs scores and there are none: the part it is taken from holds no window")
    if not np.isfinite(scores).all():
        raise DataError(
            f"{int((~np.isfinite(scores)).sum())} of {len(scores)} anomaly scores are not finite: "
            "fill missing rows (dataset.fill) or lower the learning rate"
        )
    if scores.min() == scores.max():
        raise DataError(f"all {len(scores)} anomaly scores are {scores[0]:g}: no threshold can divide them")
    return scores
