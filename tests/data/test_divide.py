"""Divisions: the same for the same names, whole documents and groups, equal pictures, shares of each class."""

from __future__ import annotations

from collections import Counter

import pytest

from plx_train.contract.truth import Truth
from plx_train.data.divide import Division, divide
from plx_train.data.formats.dataset_format import Annotation, AsWritten
from plx_train.ground.errors import ConfigError


def asked(how: str = "auto", pattern: str | None = None, val: float = 0.2, test: float = 0, seed: int = 1) -> Division:
    return Division(how, pattern, val, test, seed)


def named(*names: str, truth: str = "x") -> list[Annotation]:
    return [Annotation(name, truth, "list.csv", line) for line, name in enumerate(names, 1)]


def sides(splits: dict[str, list[Annotation]]) -> dict[str, set[str]]:
    return {split: {one.image for one in samples} for split, samples in splits.items()}


def pages(documents: int, each: int) -> list[Annotation]:
    return named(*(f"book{document}_{page:03d}.png" for document in range(documents) for page in range(each)))


def test_whole_documents_are_given_out() -> None:
    splits, words = divide(pages(10, 4), Truth.TEXTS, asked(test=0.1), {})
    books = {split: {name.partition("_")[0] for name in names} for split, names in sides(splits).items()}
    assert words == "by document" and {split: len(names) for split, names in books.items()} == {
        "train": 7,
        "val": 2,
        "test": 1,
    }
    assert not books["train"] & books["val"] and not books["train"] & books["test"] and not books["val"] & books["test"]


def test_the_same_everywhere_and_another_for_another_seed() -> None:
    samples = pages(40, 1)
    first = sides(divide(samples, Truth.TEXTS, asked(), {})[0])
    assert sides(divide(samples[::-1], Truth.TEXTS, asked(), {})[0]) == first
    assert sides(divide(samples, Truth.TEXTS, asked(seed=2), {})[0]) != first
    # Written down, so that no other machine or version divides otherwise.
    assert {int(name[4:-8]) for name in first["val"]} == {7, 8, 13, 15, 16, 28, 37, 39}


def test_every_class_is_on_both_sides() -> None:
    samples = [*named(*(f"a{k}" for k in range(50)), truth="a"), *named(*(f"b{k}" for k in range(2)), truth="b")]
    samples += named("c0", truth="c")
    splits, words = divide(samples, Truth.CLASS, asked(test=0.2), {})
    counts = {split: Counter(one.truth for one in members) for split, members in splits.items()}
    assert words == "by class"
    assert counts == {"train": {"a": 30, "b": 1, "c": 1}, "val": {"a": 10, "b": 1}, "test": {"a": 10}}


def test_equal_pictures_stay_together() -> None:
    samples = named(*(f"p{k}" for k in range(20)))
    hashes = {one.image: str(place % 10) for place, one in enumerate(samples)} | {"p0": None, "p10": None}
    splits, _ = divide(samples, Truth.CLASS, asked(), hashes)
    content = {split: {hashes[name] for name in names} - {None} for split, names in sides(splits).items()}
    assert not content["train"] & content["val"] and len(splits["val"]) == 4


def test_groups_are_what_the_pattern_finds() -> None:
    samples = named(*(f"{camera}/{k}.png" for camera in "abcde" for k in range(3)))
    splits, words = divide(samples, Truth.CLASS, asked(pattern="^([^/]+)/"), {})
    assert words == "by group" and len({one.image[0] for one in splits["val"]}) == 1 and len(splits["val"]) == 3
    with pytest.raises(ConfigError, match=r"split_by=.* finds nothing in a/0\.png"):
        divide(samples, Truth.CLASS, asked(pattern="(z)"), {})


def test_few_documents_are_divided_by_image() -> None:
    splits, words = divide(pages(1, 10), Truth.TEXTS, asked(), {})
    assert words == "by image, for there are fewer than 3 documents" and len(splits["val"]) == 2


def test_lines_without_an_image_are_trained_on() -> None:
    odd = Annotation("", AsWritten("???", is_whole=True), "train.txt", 1)
    splits, _ = divide([odd, *pages(1, 5)], Truth.TEXTS, asked(), {})
    assert splits["train"][0] is odd and len(splits["train"]) == 5


def test_lines_without_an_image_need_no_group() -> None:
    odd = Annotation("", AsWritten("???", is_whole=True), "train.txt", 1)
    splits, words = divide([odd, *pages(4, 2)], Truth.TEXTS, asked(pattern=r"(\d+)"), {})
    assert words == "by group" and splits["train"][0] is odd


@pytest.mark.parametrize(
    ("division", "message"),
    [
        (asked("groups"), "needs dataset.split_by"),
        (asked(pattern="abc"), "must have one group"),
        (asked(pattern="(a)(b)"), "must have one group"),
        (asked("documents", "(a)"), "goes with dataset.split=groups"),
        (asked(val=0.5, test=0.5), "leave nothing to train on"),
    ],
)
def test_what_can_not_be_asked(division: Division, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        division.check()


def test_classes_need_classes() -> None:
    with pytest.raises(ConfigError, match="not one class per image"):
        divide(pages(3, 3), Truth.TEXTS, asked("classes"), {})
