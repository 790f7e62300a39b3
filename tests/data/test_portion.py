"""Parts of a training set are drawn so that every class has its own, and larger parts hold smaller ones."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plx_train.data.portion import draw
from plx_train.ground.errors import ConfigError
from plx_train.ground.portions import parse_portion

CLASSES = [(number % 3,) for number in range(30)] + [(0,)] * 20


def part(text: str, classes: list[tuple[int, ...]] = CLASSES, seed: int = 1) -> list[int]:
    return draw(classes, parse_portion(text, "dataset.labelled"), seed)


def counts(places: list[int]) -> dict[int, int]:
    return dict(Counter(CLASSES[place][0] for place in places))


def test_so_many_of_each_class() -> None:
    assert counts(part("2/class")) == {0: 2, 1: 2, 2: 2}
    assert counts(part("12/class")) == {0: 12, 1: 10, 2: 10}


def test_a_share_is_given_out_by_size_and_to_each_class() -> None:
    assert counts(part("10%")) == {0: 3, 1: 1, 2: 1}
    assert counts(part("100%")) == {0: 30, 1: 10, 2: 10}
    assert counts(part("3")) == {0: 1, 1: 1, 2: 1}


def test_samples_of_several_classes_count_for_each() -> None:
    places = part("1/class", [(0, 1, 2), (0,), (1,), (2,)] * 5)
    assert len(places) <= 3


def test_samples_without_classes_are_drawn_alike() -> None:
    assert len(part("4", [()] * 9)) == 4
    assert part("4", [()] * 9, seed=1) != part("4", [()] * 9, seed=2)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 60), st.integers(0, 9), st.booleans())
def test_a_larger_part_holds_a_smaller_one(classes: list[int], number: int, seed: int, per_class: bool) -> None:
    unit = "/class" if per_class else ""
    several = [(one,) for one in classes]
    smaller, larger = (part(f"{count}{unit}", several, seed) for count in (number, number + 1))
    assert {*smaller} <= {*larger}
    assert larger == sorted({*larger})


@pytest.mark.parametrize("text", ["0", "0%", "101%", "2.5", "2.5/class", "-3", "5 / class", "many", "1e3", "٣"])
def test_what_is_no_part_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match=r"write a share \(10%\), a number \(200\) or one per class"):
        parse_portion(text, "dataset.labelled")
