"""What a step is made of beside a pool."""

from __future__ import annotations

import pytest

from plx_train.few.step import StepParts, step_parts


@pytest.mark.parametrize(
    ("batch_size", "ratio", "num_labelled", "parts"),
    [
        (32, 1, 1000, StepParts(32, 32)),
        (32, 1, 32, StepParts(32, 32)),
        (32, 1, 10, StepParts(10, 54)),
        (8, 3, 5, StepParts(5, 27)),
        (2, 1, 1, StepParts(1, 3)),
    ],
)
def test_no_labelled_sample_comes_twice_and_steps_stay_as_large(
    batch_size: int, ratio: int, num_labelled: int, parts: StepParts
) -> None:
    assert step_parts(batch_size, ratio, num_labelled) == parts
