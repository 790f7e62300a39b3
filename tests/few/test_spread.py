"""Labels reach what lies near them, by way of what lies between."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.few.spread import directions, spread_labels


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
    assert (found.argmax(axis=1) == true[order]).mean() > 0.95
    assert found.sum(axis=1) == pytest.approx(np.ones(80))


def test_classes_are_shared_out_as_among_the_labels() -> None:
    points, _ = two_arcs()
    found = spread_labels(points[[0, 1, 2, 40, *range(3, 40)]], [0, 0, 0, 1], 2)
    assert found[4:].mean(axis=0)[0] > found[4:].mean(axis=0)[1]


def test_what_no_label_reaches_is_left_to_the_shares() -> None:
    far = np.eye(30)[:, :30]
    found = spread_labels(np.concatenate([np.eye(30)[:2], far[20:]]), [0, 1], 2)
    assert np.isfinite(found).all()
    assert found[-1] == pytest.approx([0.5, 0.5], abs=1e-3)


def test_directions_have_length_one_and_keep_their_signs() -> None:
    found = directions(np.asarray([[4.0, -9.0], [0.0, 0.0]]))
    assert found[0] == pytest.approx([2 / 13**0.5, -3 / 13**0.5])
    assert found[1].tolist() == [0, 0]
