"""What the normal rows of training say: their features, their scaling and their rhythm."""

from __future__ import annotations

from plx_train.modules.ts_anomaly.check import tails
from plx_train.modules.ts_anomaly.config import SCORES_PER_CONTEXT, TsAnomalyConfig
from plx_train.modules.ts_anomaly.labels import MarkedData, features_of, normal_stretches
from plx_train.modules.ts_anomaly.processor import TsAnomalyProcessor
from plx_train.series.scale import Scaler
from plx_train.series.statistics import strongest_periods

NUM_PERIODS = 3


def fit_facts(data: MarkedData, options: TsAnomalyConfig, share: float) -> TsAnomalyProcessor | None:
    """The processor that options and normal rows give; None where there is no series to look at.

    Args:
        share: of the training rows that are held out, and say nothing.
    """
    train = data.train
    usable = [series for series in train.series if len(series) > 1]
    if not usable:
        return None
    held_in, _ = tails(usable, share, options.context)
    normal = [part for one in held_in for part in normal_stretches(one, data.label)] or held_in
    parts = [features_of(part, data.label) for part in normal]
    scaler = Scaler.fit([part.values for part in parts])
    longest = max(parts, key=len)
    return TsAnomalyProcessor(
        context=options.context,
        stride=options.score_stride or max(options.context // SCORES_PER_CONTEXT, 1),
        features=longest.columns,
        mean=scaler.mean,
        std=scaler.std,
        frequency=train.frequency_text,
        time=train.roles.time,
        missing=train.missing,
        time_format=train.time_format,
        group=train.roles.group,
        periods=tuple(strongest_periods(scaler.transform(longest.values), options.context, NUM_PERIODS)),
    )
