"""Options of learning from few labelled samples and many unlabelled ones; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import TypedAs, above, at_least, one_of, option

AUTO, OFF, ROUNDS, ONLINE = "auto", "off", "rounds", "online"
FIXED, FREEMATCH, SOFTMATCH = "fixed", "freematch", "softmatch"


@dataclass
class FewOptions:
    """How a pool of unlabelled samples is learned from."""

    schedule: str = option(AUTO, one_of(AUTO, OFF, ROUNDS, ONLINE), TypedAs("few"))
    """Time at which the teacher speaks; rounds: once for the whole pool, between trainings that begin anew; online: of
    each batch, at its step; auto: as the module is known to learn best; off: never, and the pool is left alone."""
    rounds: int = option(2, at_least(1, at_most=9))
    """Times that the pool is labelled and learned from, each time by what the time before made better."""
    ratio: int = option(1, at_least(1, at_most=16))
    """Samples of the pool beside each labelled one in a step; where fewer than a batch are labelled, more: the pool has
    the places that are left."""
    weight: float = option(1.0, above(0, at_most=10))
    """Weight of the pool's loss against that of the labels."""
    ramp: float = option(0.2, at_least(0, at_most=1))
    """Share of an online run in which that weight rises from 0."""
    size: int | None = option(224, at_least(32, at_most=1024))
    """Pixels in which a classifier's first weights look at images whose neighbours say what they show, where it is
    given less: they tell more right by themselves, and take longer. null: as it is given them."""
    trust: str = option(SOFTMATCH, one_of(FIXED, FREEMATCH, SOFTMATCH))
    """Rule by which pseudo-labels count; fixed: from a confidence on; freematch: from a threshold of each class on,
    which follows the mean confidence; softmatch: fully above the mean, ever less below it."""
    threshold: float = option(0.95, above(0, below=1))
    """Confidence from which on `trust=fixed` counts a pseudo-label."""
    labels_share: float = option(0.3, above(0, below=1))
    """Share of `trainer.max_time` for the training with labels alone, which comes first and is a candidate."""


@dataclass
class SuggestOptions:
    """What to label next."""

    number: int = option(50, at_least(1))
    """Images of the pool that mode=suggest ranks."""
