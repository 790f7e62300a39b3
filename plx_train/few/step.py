"""What a step is made of: labelled samples, and those of a pool beside them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StepParts:
    """Samples of a step, those of all processes together."""

    labelled: int
    pool: int


def step_parts(batch_size: int, ratio: int, num_labelled: int) -> StepParts:
    """A labelled batch and so many of the pool for each of its samples, none of which comes twice in a step.

    Where fewer than a batch are labelled, the pool has the places that are left: seen thrice in a step, ten images are
    known by heart all the sooner, while of a thousand others there is much to learn.
    """
    labelled = min(batch_size, num_labelled)
    return StepParts(labelled, batch_size * (1 + ratio) - labelled)
