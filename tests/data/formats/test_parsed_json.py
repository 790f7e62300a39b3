"""Corners of many outlines at once: the same words on what are pairs of numbers as one by one."""

from __future__ import annotations

import math
from typing import Any

import pytest

from plx_train.data.formats.parsed_json import MAX_COORDINATE, all_numbers, are_pairs


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2.5], [-3, 4]],
        [],
        [[MAX_COORDINATE, 0]],
        [[2 * MAX_COORDINATE, 0]],
        [[10**400, 0]],
        [[0, -2e6]],
        [[math.nan, 0], [1, 2]],
        [[1, 2], [0, math.inf]],
        [[True, 1]],
        [["1", 2]],
        [[None, 2]],
        [[1, 2, 3]],
        [[1], [2, 3, 4]],
        [(1, 2)],
        "ab",
        None,
        {"x": 1},
        [12],
    ],
)
def test_pairs_are_told_alike(value: Any) -> None:
    good = [[0, 1], [2, 3]]
    numbers = all_numbers([good, value, good])
    assert (numbers is not None) is are_pairs(value)
    if numbers is not None:
        assert numbers == [0, 1, 2, 3, *(number for pair in value for number in pair), 0, 1, 2, 3]


def test_no_outline_has_no_number() -> None:
    assert all_numbers([]) == []
