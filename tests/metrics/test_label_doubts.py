"""Predictions against labels, on cases that are worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plx_train.contract.doubt import Suspicion
from plx_train.contract.truth import Outline
from plx_train.metrics.label_doubts import box_doubts, outline_doubts, text_doubts
from plx_train.vision.objects import Objects

CAT, DOG = (10, 10, 30, 30), (60, 10, 90, 40)


def boxes_said(labels: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> Suspicion | None:
    """Doubts about labels (class, box, crowd) where rows (class, score, box) are found."""
    truth = Objects(
        np.asarray([box for _, box, *_ in labels], np.float32).reshape(-1, 4),
        np.asarray([number for number, *_ in labels], np.int64),
        np.asarray([bool(more) for _, _, *more in labels], bool),
    )
    found = np.asarray([(number, score, *box) for number, score, box in rows], np.float32).reshape(-1, 6)
    processor = SimpleNamespace(labels=("cat", "dog"))
    return box_doubts(processor, SimpleNamespace(candidates=found), SimpleNamespace(truth=truth), None)


def said(suspicion: Suspicion | None) -> list[tuple[str, float, str, str]]:
    doubts = suspicion.doubts if suspicion else ()
    return [(one.kind, round(one.score, 2), one.label, one.suggestion) for one in doubts]


def truth_of(suspicion: Suspicion | None) -> list[tuple[str, tuple[float, ...]]]:
    assert suspicion is not None
    outlines = [one for one in suspicion.truth if isinstance(one, Outline)]
    return [(one.label, (*one.points[0], *one.points[2])) for one in outlines]


def test_boxes_that_are_found_as_labelled() -> None:
    assert boxes_said([(0, CAT), (1, DOG)], [(0, 0.9, CAT), (1, 0.3, DOG), (1, 0.4, (0, 60, 20, 90))]) is None


def test_a_box_of_another_class() -> None:
    found = boxes_said([(0, CAT), (1, DOG)], [(1, 0.9, CAT), (0, 0.2, CAT), (1, 0.9, DOG)])
    assert said(found) == [("class", 0.7, "cat", "dog")]
    assert truth_of(found) == [("dog", CAT), ("dog", DOG)]


def test_a_box_beside_its_place() -> None:
    # Moved by 8 of 20 pixels: 240 of 560 square pixels are shared.
    found = boxes_said([(0, (18, 10, 38, 30))], [(0, 0.8, CAT)])
    assert said(found) == [("place", 0.8, "cat", "cat, here")]
    assert truth_of(found) == [("cat", CAT)]


def test_an_object_without_a_label_is_missed_once() -> None:
    found = boxes_said([(0, CAT)], [(0, 0.9, CAT), (1, 0.8, DOG), (0, 0.6, DOG)])
    assert said(found) == [("missing", 0.8, "", "dog")]
    assert truth_of(found) == [("cat", CAT), ("dog", DOG)]


def test_a_label_where_nothing_is() -> None:
    found = boxes_said([(0, CAT), (1, DOG)], [(0, 0.9, CAT), (1, 0.04, DOG)])
    assert said(found) == [("spare", 0.96, "dog", "")]
    assert truth_of(found) == [("cat", CAT)]


def test_an_object_that_is_labelled_twice() -> None:
    found = boxes_said([(0, CAT), (0, (10, 10, 30, 29))], [(0, 0.9, CAT)])
    assert said(found) == [("twice", 0.95, "cat", "")]
    assert truth_of(found) == [("cat", CAT)]


def test_what_counts_neither_way_is_left_alone() -> None:
    found = boxes_said([(0, CAT, True), (1, DOG)], [(1, 0.05, DOG)])
    assert said(found) == [("spare", 0.95, "dog", "")]
    assert found is not None and [one.is_ignored for one in found.truth if isinstance(one, Outline)] == [True]


def test_nothing_labelled_and_nothing_found() -> None:
    assert boxes_said([], []) is None
    assert said(boxes_said([], [(0, 0.9, CAT)])) == [("missing", 0.9, "", "cat")]
    assert said(boxes_said([(0, CAT)], [])) == [("spare", 1.0, "cat", "")]


CHARACTERS = " abcdt5"
READER = SimpleNamespace(
    unknown=lambda text: [each for each in text if each not in CHARACTERS],
    encode=lambda text: [CHARACTERS.index(each) + 1 for each in text],
)


def read_as(told: str, *steps: dict[str, float]) -> Suspicion | None:
    """Doubts about a label where steps give characters these probabilities, ``-`` for none, and the first is read."""
    rows = np.full((len(steps), len(CHARACTERS) + 1), 1e-6)
    for row, step in zip(rows, steps, strict=True):
        for character, probability in step.items():
            row[0 if character == "-" else CHARACTERS.index(character) + 1] = probability
    best = [max(step, key=lambda each: step[each]) for step in steps]
    kept = [place for place, each in enumerate(best) if each != "-"]
    score = float(np.mean([max(steps[place].values()) for place in kept])) if kept else 0.0
    prediction = SimpleNamespace(text="".join(best[place] for place in kept), score=score)
    return text_doubts(READER, prediction, SimpleNamespace(truth=told), rows)


def sure(text: str) -> list[dict[str, float]]:
    return [step for each in text for step in ({each: 0.99}, {"-": 0.99})]


@pytest.mark.parametrize(
    ("told", "steps"),
    [
        ("a cat", sure("a cat")),
        ("a cat", sure("acat")),
        ("cat", [{"-": 0.99}]),
        ("5 €", sure("5 c")),
        ("cab", [*sure("ca"), {"t": 0.5, "b": 0.49}, {"-": 0.99}]),
    ],
)
def test_readings_that_say_nothing_against_a_label(told: str, steps: list[dict[str, float]]) -> None:
    assert read_as(told, *steps) is None


def test_sure_readings_are_most_suspect_and_far_ones_before_near_ones() -> None:
    unsure = [{each: 0.75} if each != "-" else {"-": 0.99} for each in "b-a-d-"]
    found = [read_as("cat", *steps) for steps in (sure("bad"), sure("cab"), unsure)]
    assert [one.truth for one in found if one] == ["bad", "cab", "bad"]
    scores = [one.score for one in found if one]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 3


def quad(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.asarray([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def test_texts_that_are_missing_or_spare() -> None:
    # Two words are found as one line; a third label is found by nobody, a fourth counts neither way.
    labels = [
        SimpleNamespace(points=quad(0, 0, 20, 10), text="two", ignore=False),
        SimpleNamespace(points=quad(25, 0, 50, 10), text="words", ignore=False),
        SimpleNamespace(points=quad(0, 50, 20, 60), text="none", ignore=False),
        SimpleNamespace(points=quad(0, 80, 20, 90), text="###", ignore=True),
    ]
    found = SimpleNamespace(
        quads=[quad(0, 0, 50, 10), quad(60, 60, 90, 70), quad(70, 0, 90, 10)], scores=np.asarray([0.9, 0.8, 0.3])
    )
    suspicion = outline_doubts(None, found, SimpleNamespace(truth=labels), None)
    assert said(suspicion) == [("spare", 1.0, "none", ""), ("missing", 0.8, "", "a text")]
    assert [label for label, _ in truth_of(suspicion)] == ["two", "words", "###", ""]
