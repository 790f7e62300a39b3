"""Losses of points: what a network that is right pays, and that gradients lead there."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from plx_train.nn.detection.dense_loss import dense_sums
from plx_train.nn.detection.overlap import giou, overlaps
from plx_train.nn.detection.points import boxes_at, mean_distances, points_of
from plx_train.nn.detection.simota import assign

SIZE, STRIDES, BINS = (64, 64), (8, 16), range(8)
POINTS = points_of(SIZE, STRIDES)
BOX = np.asarray([[12, 8, 36, 32]], np.float32)
INSIDE = ((POINTS[:, :2] > BOX[:, :2]) & (POINTS[:, :2] < BOX[:, 2:])).all(axis=1)


def sharp(distance: np.ndarray) -> np.ndarray:
    """Logits of a distribution whose mean is `distance`: its two neighbours share what there is."""
    lower = np.floor(distance).astype(int)
    logits = np.full((*distance.shape, len(BINS)), -40.0, np.float32)
    share = np.clip(distance - lower, 1e-6, 1 - 1e-6)
    np.put_along_axis(logits, lower[..., None], np.log(1 - share)[..., None], -1)
    np.put_along_axis(logits, np.minimum(lower + 1, len(BINS) - 1)[..., None], np.log(share)[..., None], -1)
    return logits


def perfect() -> np.ndarray:
    """Distances at which every point sees the box, where it lies in it."""
    centre, stride = POINTS[:, :2], POINTS[:, 2:]
    exact = np.concatenate([centre - BOX[:, :2], BOX[:, 2:] - centre], axis=1) / stride
    return sharp(np.clip(exact, 0, len(BINS) - 1.01) * INSIDE[:, None]).reshape(1, len(POINTS), -1)


def test_means_of_distributions_are_distances() -> None:
    found = mean_distances(paddle.to_tensor(sharp(np.asarray([[0.25, 3.5, 6.75, 2.0]])).reshape(1, 1, -1)), BINS)
    assert found.numpy()[0, 0] == pytest.approx([0.25, 3.5, 6.75, 2.0], abs=1e-4)


def test_boxes_come_back_from_distances() -> None:
    seen = boxes_at(paddle.to_tensor(POINTS), mean_distances(paddle.to_tensor(perfect()), BINS)).numpy()[0]
    assert np.allclose(seen[INSIDE], BOX, atol=1e-2)


def test_the_form_for_tensors_is_the_same() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 50, (2, 20, 2))
    first, second = np.concatenate([low, low + rng.uniform(1, 40, (2, 20, 2))], axis=-1).astype(np.float32)
    found = giou(paddle.to_tensor(first), paddle.to_tensor(second)).numpy()
    assert np.allclose(found, overlaps(first, second)[1], atol=1e-5)


def test_a_network_that_is_right_pays_next_to_nothing() -> None:
    scores = np.where(INSIDE, 8.0, -8.0)[None, :, None].astype(np.float32)
    right, wrong = (
        dense_sums(
            paddle.to_tensor(given), paddle.to_tensor(perfect()), [(BOX, np.zeros(1, int))], POINTS, BINS, assign
        )
        for given in (scores, -scores)
    )
    # The overlaps add up to a little less than a whole number.
    assert right.count == INSIDE.sum() - 1 and float(right.boxes) / right.weight < 1e-3
    assert float(right.classes) < 0.05 * float(wrong.classes)


def test_an_image_without_objects_teaches_that_there_are_none() -> None:
    scores = paddle.to_tensor(np.zeros((1, len(POINTS), 2), np.float32), stop_gradient=False)
    distances = paddle.to_tensor(perfect(), stop_gradient=False)
    empty = (np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    sums = dense_sums(scores, distances, [empty], POINTS, BINS, assign)
    (sums.classes + sums.boxes + sums.distances).backward()
    assert (sums.count, sums.weight) == (0, 0)
    assert bool((scores.grad > 0).all()) and float(distances.grad.abs().sum()) == 0
    # 0.75 · 0.25 · ln 2 for each of two classes of each point, and it grows with the score.
    assert float(sums.classes) == pytest.approx(2 * len(POINTS) * 0.75 * 0.25 * np.log(2), rel=1e-5)


def test_gradients_lead_to_the_box() -> None:
    rng = np.random.default_rng(1)
    scores = paddle.to_tensor(np.full((1, len(POINTS), 2), -4.0, np.float32), stop_gradient=False)
    distances = paddle.to_tensor(rng.normal(0, 0.1, (1, len(POINTS), 32)).astype(np.float32), stop_gradient=False)
    descent = paddle.optimizer.Adam(0.1, parameters=[scores, distances])
    for _ in range(150):
        sums = dense_sums(scores, distances, [(BOX, np.ones(1, int))], POINTS, BINS, assign)
        loss = sums.classes / max(sums.count, 1) + (2 * sums.boxes + sums.distances / 4) / max(sums.weight, 1)
        loss.backward()
        descent.step()
        descent.clear_grad()
    seen = boxes_at(paddle.to_tensor(POINTS), mean_distances(distances, BINS)).numpy()[0]
    best = scores.numpy()[0, :, 1].argmax()
    assert overlaps(seen[best], BOX[0])[0] > 0.9 and scores.numpy()[0, best, 0] < 0
