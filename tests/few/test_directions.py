"""Directions of features tell what is alike, whatever the scales of depths and features."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.few.directions import directions


def test_rows_have_length_one_about_the_mean_of_the_samples() -> None:
    found = directions([np.asarray([[4.0, -9.0], [0.0, 0.0], [4.0, -9.0], [0.0, 0.0]])])
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(4))
    # Roots are 2 or 0 and -3 or 0, deviations 1 and 1.5; a tenth of the deviation of all comes to both.
    scale = 0.1 * np.std([2, -3, 0, 0])
    expected = np.asarray([1 / (1 + scale), -1.5 / (1.5 + scale)])
    assert found[0] == pytest.approx(expected / np.linalg.norm(expected))
    assert found[1] == pytest.approx(-found[0])


def test_the_scale_of_a_depth_or_of_a_feature_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    first, last = rng.random((20, 6)), rng.random((20, 9))
    assert directions([first * 1000, last]) == pytest.approx(directions([first, last]))
    shared = directions([first, last]) @ directions([first, last]).T
    # Depths count 1 and 1.5, squared.
    alone = [directions([one]) for one in (first, last)]
    assert shared == pytest.approx((alone[0] @ alone[0].T + 2.25 * alone[1] @ alone[1].T) / 3.25)


@pytest.mark.parametrize("number", [1, 2])
def test_samples_that_are_all_alike_have_no_direction(number: int) -> None:
    assert (
        directions([np.full((number, 3), 2.0, np.float32), np.zeros((number, 2), np.float32)]).tolist()
        == [[0.0] * 5] * number
    )
