"""The options of time-series classification; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.series.options import SizeOptions

ROCKET = "ROCKET"
"""The network that is fitted in one go, without gradients."""


@dataclass
class TsClsConfig(SizeOptions):
    """Options of the room ts_cls."""

    name: str = "ts_cls"
    network: str = "InceptionTime"
    """InceptionTime, TimesNet_cls, or ROCKET: random convolutions and a ridge regression, fitted in seconds."""
    model_name: str = "TimesNet_cls"
    """Name in the exported inference.yml: the one that PaddleX knows, whatever the network."""
    length: int | None = None
    """Rows that every series is filled up to, or cut to; null: as many as the longest of training and validation."""
    num_kernels: int = 10_000
    """Random convolutions of ROCKET, each of which gives two features."""
    differences: bool = True
    """Every second kernel of ROCKET sees the differences from row to row in place of the rows."""
    standardise: bool | None = None
    """Brings each channel of each series to mean 0 and deviation 1 first, for series whose level and size say little or
    differ by orders of magnitude; null: ROCKET decides by leave-one-out among the training series, networks don't."""
    label_smoothing: float = 0.0
    class_weights: str = "none"
    """none, or balanced: rare classes count more, so that all count alike together; not for ROCKET."""
    calibrate: bool = False
    """Chooses the temperature of the scores on held-out series; needs dataset.holdout_share."""
