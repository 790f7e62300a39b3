"""Whether each series is brought to mean 0 and deviation 1 by itself, and the scale that all share before that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from plx_train.modules.ts_cls.config import ROCKET
from plx_train.modules.ts_cls.ridge import fit_ridge
from plx_train.nn.series.rocket import LENGTHS, draw_kernels, rocket_features, standardise
from plx_train.series.scale import Scaler

if TYPE_CHECKING:
    from plx_train.modules.ts_cls.config import TsClsConfig
    from plx_train.series.frame import Series

TRIAL_KERNELS = 500
TRIAL_SERIES = 500
"""Number of series by which it is decided at most, taken evenly spread."""


@dataclass(frozen=True)
class Scaling:
    """How training series come to a network.

    Attributes:
        scaler: of all series alike.
        is_standardised: each channel of each series is brought to mean 0 and deviation 1 after that.
        trial: ROCKET's leave-one-out accuracies of series as they are and standardised, where these decided.
    """

    scaler: Scaler
    is_standardised: bool
    trial: tuple[float, ...] = ()

    def apply(self, series: Sequence[Series], length: int) -> list[np.ndarray]:
        """The first `length` rows of each as the network sees them, float32 (T, C)."""
        scaled = [self.scaler.transform(one.values[:length]).astype(np.float32) for one in series]
        return [standardise(rows.T).T for rows in scaled] if self.is_standardised else scaled


def find_scaling(train: Sequence[Series], module: TsClsConfig, length: int) -> Scaling:
    """The scaling that `module.standardise` names; null: of ROCKET's, the one that tells more of `train` right."""
    values = [one.values for one in train]
    plain = Scaling(Scaler.fit(values), False)
    if module.standardise is False or (module.standardise is None and module.network != ROCKET):
        return plain
    alone = Scaling(scale_for_each(values), True)
    if module.standardise:
        return alone
    tried = train[:: -(-len(train) // TRIAL_SERIES)]
    if not _can_try(tried, length):
        return plain
    trial = tuple(_left_out_accuracy(tried, way, length) for way in (plain, alone))
    chosen = alone if trial[1] > trial[0] else plain
    return Scaling(chosen.scaler, chosen.is_standardised, trial)


def scale_for_each(values: Sequence[np.ndarray]) -> Scaler:
    """A common scale of series (T, C) that are standardised afterwards: in float32 it must not drown the small ones.

    It divides by the typical deviation within a series, and takes off the common mean only where that brings the series
    nearer to 0, measured in what they vary by. Series with missing values, which the check tells of, are passed over.
    """
    whole = [rows for rows in values if np.isfinite(rows).all()] or [np.zeros((1, values[0].shape[1]))]
    means = np.stack([rows.mean(axis=0, dtype=np.float64) for rows in whole])
    deviations = np.stack([rows.std(axis=0, dtype=np.float64) for rows in whole])
    common = np.asarray(Scaler.fit(whole).mean)
    divisor = np.where(deviations > 0, deviations, np.inf)
    far, far_from_common = (np.max(np.abs(means - centre) / divisor, axis=0) for centre in (0.0, common))
    centres = np.where(far_from_common < far, common, 0.0)
    varying = [column[column > 0] for column in deviations.T]
    sizes = [float(np.median(column)) if len(column) else 1.0 for column in varying]
    return Scaler(tuple(centres.tolist()), tuple(sizes), sum(map(len, whole)))


def _can_try(train: Sequence[Series], length: int) -> bool:
    """Whether ROCKET can be fitted to them; what is in its way is told by the check."""
    is_long = np.median([min(len(one), length) for one in train]) >= LENGTHS[0]
    return (
        bool(is_long) and len({one.label for one in train}) > 1 and all(np.isfinite(one.values).all() for one in train)
    )


def _left_out_accuracy(train: Sequence[Series], scaling: Scaling, length: int) -> float:
    """Share of the series whose class ROCKET tells, fitted without each of them."""
    rows = scaling.apply(train, length)
    classes, labels = np.unique([str(one.label) for one in train], return_inverse=True)
    changes = np.concatenate([np.diff(each, axis=0) for each in rows]).std(axis=0)
    median = int(np.median([len(each) for each in rows]))
    # `rows` are what they shall be already.
    kernels = draw_kernels(TRIAL_KERNELS, rows[0].shape[1], median, 0, differences=changes)
    return float(fit_ridge(rocket_features(kernels, rows), labels, len(classes)).accuracy)
