"""Fits ROCKET to labelled series: whether they are standardised first, and the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.modules.ts_cls.ridge import RidgeHead, fit_ridge
from plx_train.modules.ts_cls.rocket import RocketKernels, rocket_features, some_of, standardising

TRIAL_KERNELS = 1000
"""By so many it is decided whether to standardise."""


@dataclass(frozen=True)
class RocketFit:
    """What was fitted.

    Attributes:
        kernels: those given, which may standardise now.
        head: on their features.
        trial: leave-one-out accuracies of series as they are and standardised, where they decided.
    """

    kernels: RocketKernels
    head: RidgeHead
    trial: tuple[float, float] | None


def fit_rocket(
    kernels: RocketKernels, series: Sequence[np.ndarray], labels: np.ndarray, num_classes: int, standardise: bool | None
) -> RocketFit:
    """Fits a ridge head on the kernels' features.

    Args:
        series: each (T, C), scaled, without NaN.
        labels: (N,) numbers of classes below `num_classes`.
        standardise: brings each series to mean 0 and deviation 1 first; None: where that tells more of `series` right,
            each by a fit without it.

    Raises:
        DataError: as `fit_ridge`.
    """
    trial = None
    if standardise is None:
        found = [_left_out_accuracy(kernels, series, labels, num_classes, way) for way in (False, True)]
        trial, standardise = (found[0], found[1]), found[1] > found[0]
    chosen = standardising(kernels, series) if standardise else kernels
    return RocketFit(chosen, fit_ridge(rocket_features(chosen, series), labels, num_classes), trial)


def _left_out_accuracy(
    kernels: RocketKernels, series: Sequence[np.ndarray], labels: np.ndarray, num_classes: int, is_standardised: bool
) -> float:
    tried = some_of(standardising(kernels, series) if is_standardised else kernels, TRIAL_KERNELS)
    return float(fit_ridge(rocket_features(tried, series), labels, num_classes).accuracy)
