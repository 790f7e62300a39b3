"""Equal pictures: one policy for all rooms of images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plx_train.contract.check import Finding
from plx_train.vision.samples import LabelledImage
from plx_train.vision.twins import leak_findings, twin_findings

Picture = tuple[str, str, Any]
"""Its name, its content, its truth."""


@dataclass
class Rules:
    truth: str = "class"
    tells_equal_pictures: bool = True

    def same_truth(self, first: Any, second: Any) -> bool:
        return first == second


def split(file: str, *pictures: Picture) -> tuple[list[LabelledImage[Any]], list[str], dict[str, str | None]]:
    samples = [
        LabelledImage(Path("/d") / name, truth, f"{file}:{line}") for line, (name, _, truth) in enumerate(pictures, 1)
    ]
    return samples, [name for name, _, _ in pictures], {name: content or None for name, content, _ in pictures}


def told(findings: list[Finding]) -> list[tuple[str, int, str, str]]:
    return [(item.path, item.line, item.level, item.code) for item in findings]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (("a.png", "x", 1), ("warning", "image-twice", "a.png is in train.txt:1 already")),
        (("a.png", "x", 2), ("error", "other-truth", "a.png is in train.txt:1 already, with another class")),
        (("b.png", "x", 1), ("warning", "same-picture", "b.png is the same picture as a.png of train.txt:1")),
        (("b.png", "x", 2), ("error", "other-truth", "same picture as a.png of train.txt:1, with another class")),
        (("b.png", "y", 1), None),
        (("b.png", "", 1), None),
    ],
)
def test_a_picture_more_than_once_in_a_split(second: Picture, expected: tuple[str, str, str] | None) -> None:
    findings = twin_findings(*split("train.txt", ("a.png", "x", 1), second), Rules())
    if expected is None:
        assert findings == []
        return
    level, code, reason = expected
    assert told(findings) == [("train.txt", 2, level, code)] and reason in findings[0].reason


def test_where_pictures_are_equal_by_chance_only_contradictions_count() -> None:
    pictures = [("a.png", "x", 1), ("b.png", "x", 1), ("c.png", "x", 2), ("a.png", "x", 1)]
    findings = twin_findings(*split("train.txt", *pictures), Rules(tells_equal_pictures=False))
    assert [item.code for item in findings] == ["other-truth", "image-twice"]


def leaks(train: list[Picture], val: list[Picture]) -> list[Finding]:
    trained, validated = split("train.txt", *train), split("val.txt", *val)
    return leak_findings(trained[:2], validated[:2], trained[2] | validated[2])


def test_a_file_that_is_trained_on_is_an_error_whatever_equals_it() -> None:
    train = [("a.png", "x", 1), ("copy.png", "x", 1)]
    findings = leaks(train, [("a.png", "x", 1)])
    assert told(findings) == [("val.txt", 1, "error", "train-and-val")]
    assert findings[0].reason == "the picture a.png is in train.txt:1 as well"
    assert leaks([("gone.png", "", 1)], [("gone.png", "", 1)]) == [], "told as missing"


@pytest.mark.parametrize(("equal", "is_error"), [(1, False), (2, False), (3, True)])
def test_equal_pictures_are_warnings_and_an_error_together_when_many(equal: int, is_error: bool) -> None:
    train = [(f"t{number}.png", f"x{number}", 1) for number in range(equal)]
    val = [(f"v{number}.png", f"x{number}", 1) for number in range(40)]
    findings = told(leaks(train, val))
    assert findings[:equal] == [("val.txt", line, "warning", "train-and-val") for line in range(1, equal + 1)]
    assert findings[equal:] == [("val.txt", 0, "error", "validation-is-trained-on")] * is_error
