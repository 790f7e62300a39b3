"""Names of classes that were misspelt are told from names that are merely alike."""

from __future__ import annotations

import pytest

from plx_train.data.misspelt import misspelt_findings


def findings(one: str, few: int, other: str, many: int) -> list[str]:
    samples = [(f"train.txt:{line}", (0,)) for line in range(1, many + 1)]
    samples += [(f"train.txt:{line}", (1,)) for line in range(many + 1, many + few + 1)]
    return [str(found) for found in misspelt_findings(samples, [other, one])]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Snaeker", "Sneaker"),
        ("figrue", "figure"),
        ("tabel", "table"),
        ("dgo", "dog"),
        ("dogs", "dog_s"),
        ("Ankle boot", "ankle_boot"),
        ("sneker", "sneaker"),
        ("sneakers", "sneaker"),
        ("sneaxer", "sneaker"),
    ],
)
def test_a_slip_in_a_rare_name_is_told(one: str, other: str) -> None:
    assert findings(one, 3, other, 30) == [
        f"train.txt:31: the class {one!r} (samples: 3) reads like {other!r} (samples: 30): is it misspelt?"
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("class1", "class2"),
        ("class 10", "class 1"),
        ("male", "female"),
        ("man", "woman"),
        ("cat", "car"),
        ("left", "right"),
    ],
)
def test_other_names_are_left_alone(one: str, other: str) -> None:
    assert findings(one, 3, other, 30) == []


def test_names_of_classes_that_are_as_common_are_left_alone() -> None:
    assert findings("figrue", 10, "figure", 30) == []


def test_a_sample_of_several_boxes_counts_once() -> None:
    samples = [("a.json:1", (0, 0, 0, 0, 0, 0)), ("a.json:2", (1,))]
    assert misspelt_findings(samples, ["figure", "figrue"]) == []
