"""Of what a teacher says in each batch the surest, the least sure and what it says otherwise are kept to be shown."""

from __future__ import annotations

import numpy as np

from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import Outline
from plx_train.few.gallery import NUM_SHOWN, Gallery

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def add(gallery: Gallery, told: dict[str, tuple[str, float]]) -> None:
    views = [np.full((2, 2, 3), ord(name), np.uint8) for name in told]
    labels = [PseudoLabel(truth, weight) for truth, weight in told.values()]
    gallery.add(list(told), views, labels, np.asarray([weight for _, weight in told.values()], np.float32))
    for view in views:
        view[:] = 0


def shown(gallery: Gallery) -> list[tuple[str, str, str]]:
    return [(kind, one.name, one.before) for kind, one in gallery.shown()]


def test_the_surest_the_least_sure_and_the_changed_are_kept() -> None:
    gallery = Gallery()
    add(gallery, {"a": ("cat", 0.9), "b": ("dog", 0.1), "c": ("cow", 0.6)})
    assert shown(gallery) == [("trusted", "a", ""), ("doubted", "b", "")]
    add(gallery, {"a": ("cat", 0.7), "b": ("cat", 0.8)})
    surest = [("trusted", "b", "dog"), ("trusted", "a", "")]
    assert shown(gallery) == [*surest, ("doubted", "b", ""), ("changed", "b", "dog")]
    assert [int(one.view.max()) for _, one in gallery.shown()] == [ord("b"), ord("a"), ord("b"), ord("b")]


def test_no_more_are_kept_than_are_shown() -> None:
    gallery = Gallery()
    for weight in np.linspace(0.6, 0.9, 3 * NUM_SHOWN):
        add(gallery, {"a": ("cat", float(weight))})
    assert [one.weight > 0.8 for _, one in gallery.shown()] == [True] * NUM_SHOWN


def test_a_label_in_words_counts_what_it_holds() -> None:
    names = (("dog", False), ("cat", False), ("dog", False), ("cow", True))
    assert PseudoLabel(tuple(Outline(SQUARE, *each) for each in names), 1.0).words == "2 dog, cat"
    assert PseudoLabel((), 1.0).words == "nothing" and PseudoLabel("a text", 1.0).words == "a text"
