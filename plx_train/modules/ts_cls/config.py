"""The options of time-series classification; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from plx_train.contract.option import Trait, at_least, one_of, option
from plx_train.nn.series.sizes import CLASSIFIERS

ROCKET = "ROCKET"
"""The network that is fitted in one go, without gradients."""


@dataclass
class FittedOptions:
    """What the training series say; found when a run begins, not for hand."""

    columns: list[str] = field(default_factory=list)
    """Channels, in the order in which the network takes them."""
    classes: list[str] = field(default_factory=list)
    """Names of the classes by number."""
    time: str | None = None
    group: str | None = None
    frequency: str = "1"
    """As PaddleX writes it: 1h, 10min, or a whole number."""
    length: int = 0
    """Rows that every series is filled up to, or cut to."""
    median_rows: int = 0
    """Of the training series: no kernel of ROCKET reaches further."""
    periods: list[int] = field(default_factory=list)
    """Rows of the strongest frequencies, for TimesNet."""
    mean: list[float] = field(default_factory=list)
    std: list[float] = field(default_factory=list)
    difference_std: list[float] = field(default_factory=list)
    """Of the channels' differences from row to row as the network sees them, for ROCKET."""
    is_standardised: bool = False
    """Each channel of each series is brought to mean 0 and deviation 1 by itself."""
    trial: list[float] = field(default_factory=list)
    """ROCKET's leave-one-out accuracies of series as they are and standardised, where these decided."""
    weight_of_class: list[float] | None = None
    """Found by `class_weights`."""


@dataclass
class TsClsConfig:
    """Options of the room ts_cls."""

    monitor: ClassVar[str] = "accuracy"
    """Key of the metric that picks the best checkpoint."""
    name: str = option("ts_cls", Trait.INTERNAL)
    network: str = option("InceptionTime", one_of(*CLASSIFIERS, ROCKET))
    """Network that is trained; ROCKET is random convolutions and a ridge regression, fitted in seconds."""
    model_name: str = "TimesNet_cls"
    """Name in the exported inference.yml: the one that PaddleX knows, whatever the network."""
    length: int | None = option(None, at_least(1))
    """Rows that every series is filled up to, or cut to; null: as many as the longest of training and validation."""
    hidden: int | None = option(None, at_least(1))
    """Width of the network; null: its own default."""
    depth: int | None = option(None, at_least(1))
    """Layers of the network; null: its own default."""
    dropout: float | None = option(None, at_least(0, below=1))
    """Share of features left out in training; null: the network's own default."""
    num_kernels: int = option(10_000, at_least(1))
    """Random convolutions of ROCKET, each of which gives two features."""
    differences: bool = True
    """Every second kernel of ROCKET sees the differences from row to row in place of the rows."""
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
    fitted: FittedOptions = option(FittedOptions, Trait.INTERNAL)

    @property
    def pretrained(self) -> str | None:
        """Nothing is published for these networks: they start from scratch."""
        return None
