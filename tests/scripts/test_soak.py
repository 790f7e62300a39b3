"""What a soak holds against the server: wrong answers, and what is more at the end than it was."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from kit.places import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import soak

ROW = soak.Row(1.0, 10.0, 600, 0, 0, 0, 10, 500.0, 20, 7, 1)


@pytest.mark.parametrize(
    ("found", "is_equal"),
    [({"a": [1, {"b": 0.5}]}, True), ({"a": [1, {"b": 0.5004}]}, True), ({"a": [1, {"b": 0.6}]}, False),
     ({"a": [2, {"b": 0.5}]}, False), ({"a": [1]}, False), ({}, False), (None, False)],
)  # fmt: skip
def test_answers_are_equal_but_for_the_last_digits(found: object, is_equal: bool) -> None:
    assert soak.is_equal(found, {"a": [1, {"b": 0.5}]}) is is_equal


def test_what_is_more_at_the_end_is_told() -> None:
    flat = [ROW] * 9
    rising = [replace(ROW, mib=500.0 + 30 * number) for number in range(9)]
    assert soak.growth(flat, ROW, ROW) == []
    assert soak.growth(flat, ROW, replace(ROW, descriptors=40)) == ["descriptors grew from 20 to 40"]
    assert soak.growth(rising, ROW, ROW) == ["memory grew from 620 to 710 MiB"]
