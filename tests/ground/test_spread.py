"""A few out of many, evenly spread."""

from __future__ import annotations

import pytest

from plx_train.ground.spread import spread


@pytest.mark.parametrize(
    ("length", "most", "chosen"),
    [
        (0, 4, []),
        (4, 0, []),
        (9, 1, [0]),
        (3, 9, [0, 1, 2]),
        (10, 2, [0, 9]),
        (10, 4, [0, 3, 6, 9]),
        # 0, 2.5, 5, 7.5, 10: halves go to the even number.
        (11, 5, [0, 2, 5, 8, 10]),
    ],
)
def test_ends_and_what_lies_between(length: int, most: int, chosen: list[int]) -> None:
    assert spread(length, most) == chosen


def test_it_is_ascending_without_repetition() -> None:
    for length in range(1, 60):
        for most in range(1, 70):
            chosen = spread(length, most)
            assert len(chosen) == min(length, most)
            assert chosen == sorted(set(chosen))
            assert chosen[0] == 0
            assert len(chosen) < 2 or chosen[-1] == length - 1
