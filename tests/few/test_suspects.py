"""Wrong labels among samples that lie in groups: who is suspected, of what, and who never is."""

from __future__ import annotations

import numpy as np

from plx_train.few.suspects import Folds, doubted, out_of_sample, prepared, suspected_classes, suspected_labels

FOLDS = Folds(5, 1)
NAMES = ("red", "green", "blue", "odd")


def groups(number: int = 40, classes: int = 3, width: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 (number · classes, 8) around a centre for each class, and the classes."""
    rng = np.random.default_rng(0)
    given = np.repeat(np.arange(classes), number)
    centres = 3 * np.eye(8)[:classes]
    return (centres[given] + rng.normal(0, width, (len(given), 8))).astype(np.float32), given


def test_planted_labels_are_suspected_with_the_right_class() -> None:
    features, classes = groups()
    wrong = classes.copy()
    planted = {3: 1, 45: 2, 100: 0}
    wrong[list(planted)] = list(planted.values())
    judged = suspected_classes([features], wrong.tolist(), NAMES, FOLDS)
    assert {place for place, _ in judged.found[:3]} == set(planted)
    for place, suspicion in judged.found[:3]:
        doubt = suspicion.doubts[0]
        assert (suspicion.truth, doubt.suggestion, doubt.label, doubt.kind) == (
            *(NAMES[classes[place]],) * 2, NAMES[planted[place]], "class",
        )  # fmt: skip
    assert judged.agreement is not None and judged.agreement > 0.95


def test_right_labels_are_left_alone() -> None:
    features, classes = groups()
    judged = suspected_classes([features], classes.tolist(), NAMES, FOLDS)
    assert judged.found == [] and judged.agreement == 1


def test_a_class_with_fewer_samples_than_folds() -> None:
    features, classes = groups()
    far = np.zeros((2, 8), np.float32)
    far[:, 7] = 3
    # Two say of each other that they are odd; one alone is never asked about its class, nor suggested.
    judged = suspected_classes([np.concatenate([features, far])], [*classes, 3, 3], NAMES, FOLDS)
    assert judged.found == []
    judged = suspected_classes([np.concatenate([features, far[:1]])], [*classes, 3], NAMES, FOLDS)
    assert judged.found == []


def test_one_class_and_few_samples() -> None:
    features, classes = groups(2, 1)
    assert suspected_classes([features], classes.tolist(), NAMES, FOLDS).found == []


def test_nobody_is_judged_by_itself() -> None:
    # Of noise nothing is known but what was learned by heart.
    rng = np.random.default_rng(1)
    classes = rng.integers(0, 2, 60)
    scores = out_of_sample(prepared([rng.normal(size=(60, 100)).astype(np.float32)]), classes, 2, FOLDS)
    assert 0.2 < (scores.argmax(axis=1) == classes).mean() < 0.8


def test_as_many_are_doubted_as_another_class_claims() -> None:
    # Usual confidence: 0.8 for class 0, 0.75 for class 1. The third says 0 and is as surely 1 as those of 1 usually.
    scores = np.asarray([[0.95, 0.05], [0.95, 0.05], [0.1, 0.9], [0.4, 0.6], [0.25, 0.75], [0.25, 0.75]])
    places, best = doubted(scores, np.asarray([0, 0, 0, 0, 1, 1]))
    assert places == [2] and best[2] == 1


def test_labels_that_hold_or_do_not() -> None:
    features, classes = groups(200)
    held = np.eye(3, dtype=bool)[classes]
    held[5, 0], held[250, 2] = False, True
    judged = suspected_labels([features], held, NAMES[:3], FOLDS)
    found = dict(judged.found)
    assert {place: one.truth for place, one in found.items()} == {5: ("red",), 250: ("green",)}
    told = {place: [(one.kind, one.label, one.suggestion) for one in each.doubts] for place, each in found.items()}
    assert told == {5: [("no label", "", "red")], 250: [("label", "blue", "")]}
    assert judged.agreement is not None and judged.agreement > 0.95


def test_the_same_twice() -> None:
    features, classes = groups()
    classes[::9] = 0
    first, second = (suspected_classes([features], classes.tolist(), NAMES, FOLDS) for _ in range(2))
    assert first.found and first == second
