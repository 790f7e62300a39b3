"""Labels reach what lies near them, by way of what lies between."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.few.directions import directions
from plx_train.few.spread import spread_labels


def two_arcs(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Directions along two arcs that a straight line can't part, and which arc each is of."""
    angles = np.linspace(0, 1.2, count)
    first = np.stack([np.cos(angles), np.sin(angles), np.zeros(count)], 1)
    second = np.stack([np.cos(angles), np.sin(angles), np.full(count, 0.8)], 1)
    return np.concatenate([first, second]), np.repeat([0, 1], count)


def test_one_label_of_each_arc_is_enough() -> None:
    points, true = two_arcs()
    order = np.asarray([0, 40, *range(1, 40), *range(41, 80)])
    points = points[order] / np.linalg.norm(points[order], axis=1, keepdims=True)
    found = spread_labels(points, [0, 1], 2)
    assert (found.scores.argmax(axis=1) == true[order]).mean() > 0.95
    assert found.scores.sum(axis=1) == pytest.approx(np.ones(80))


def test_all_classes_have_the_same_mass_whatever_their_labels() -> None:
    points, _ = two_arcs()
    found = spread_labels(points[[0, 1, 2, 40, *range(3, 40), *range(41, 80)]], [0, 0, 0, 1], 2)
    assert found.scores.sum(axis=0)[0] == pytest.approx(found.scores.sum(axis=0)[1], rel=0.1)


def test_a_class_without_labels_is_given_to_nothing() -> None:
    points, _ = two_arcs()
    assert not spread_labels(points, [0, 0], 3).scores[:, 1:].any()


def test_what_lies_aside_is_not_reached() -> None:
    rng = np.random.default_rng(0)
    near = np.abs(rng.normal(1, 0.2, (60, 8))) * ([1] * 4 + [0] * 4)
    aside = np.abs(rng.normal(1, 0.2, (20, 8))) * ([0] * 4 + [1] * 4)
    found = spread_labels(directions([np.concatenate([near, aside])]), [0, 0, 1, 1], 2)
    assert found.is_reached.tolist() == [True] * 60 + [False] * 20


def test_what_no_label_reaches_is_left_to_the_shares() -> None:
    far = np.eye(30)[:, :30]
    found = spread_labels(np.concatenate([np.eye(30)[:2], far[20:]]), [0, 1], 2)
    assert np.isfinite(found.scores).all()
    assert found.scores[-1] == pytest.approx([0.5, 0.5], abs=1e-3)
