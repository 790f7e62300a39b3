"""The likelihood of a text, against all ways to spell it written out."""

from __future__ import annotations

import math
from itertools import groupby, product

import numpy as np
import pytest

from plx_train.metrics.ctc import log_likelihood


@pytest.mark.parametrize("classes", [(), (1,), (1, 2), (1, 1), (2, 1, 2)])
def test_all_ways_are_counted(classes: tuple[int, ...]) -> None:
    steps = np.random.default_rng(0).dirichlet(np.ones(3), 5)
    ways = [
        math.prod(steps[place, each] for place, each in enumerate(way))
        for way in product(range(3), repeat=5)
        if tuple(key for key, _ in groupby(way) if key) == classes
    ]
    assert log_likelihood(steps, classes) == pytest.approx(math.log(sum(ways)))


def test_too_few_steps_spell_nothing() -> None:
    assert log_likelihood(np.full((2, 3), 1 / 3), (1, 1)) == -math.inf
