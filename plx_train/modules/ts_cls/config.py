"""The options of time-series classification; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import Trait, at_least, one_of, option
from plx_train.nn.series.sizes import CLASSIFIERS
from plx_train.series.options import NetworkOptions

ROCKET = "ROCKET"
"""The network that is fitted in one go, without gradients."""


@dataclass
class TsClsConfig(NetworkOptions):
    """Options of the room ts_cls."""

    name: str = option("ts_cls", Trait.INTERNAL)
    network: str = option("InceptionTime", one_of(*CLASSIFIERS, ROCKET))
    """Network that is trained; ROCKET is random convolutions and a ridge regression, fitted in seconds."""
    model_name: str = "TimesNet_cls"
    """Name in the exported inference.yml: the one that PaddleX knows, whatever the network."""
    length: int | None = option(None, at_least(1))
    """Rows that every series is filled up to, or cut to; null: as many as the longest of training and validation."""
    num_kernels: int = option(10_000, at_least(1))
    """Random convolutions of ROCKET, each of which gives two features."""
    differences: bool = True
    """Gives every second kernel of ROCKET the differences from row to row in place of the rows."""
    standardise: bool | None = None
    """Brings each channel of each series to mean 0 and deviation 1 first, for series whose level and size say little or
    differ by orders of magnitude; null: ROCKET decides by leave-one-out among the training series, networks don't."""
    label_smoothing: float = option(0.0, at_least(0, below=1))
    """Share of the probability that is spread over all classes in training."""
    class_weights: str = option("none", one_of("none", "balanced"))
    """Weights of the classes in the loss; balanced: rare ones count more, so that all count alike together; not for
    ROCKET."""
    calibrate: bool = False
    """Chooses the temperature of the scores on held-out series; needs dataset.holdout_share."""
