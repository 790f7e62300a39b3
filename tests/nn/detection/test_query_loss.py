"""Losses of queries: what a network that is right pays, and what it is divided by."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from plx_train.nn.detection.denoising import make_noisy
from plx_train.nn.detection.overlap import centred
from plx_train.nn.detection.query_detector import LearnedQueries, Queries
from plx_train.nn.detection.query_loss import QueryLoss

SIZE = (50, 100)
BOXES = np.asarray([[10, 5, 30, 25], [50, 10, 90, 45]], np.float32)
TRUTHS = [(BOXES, np.asarray([0, 1])), (BOXES[:0], np.zeros(0, np.int64))]
LOSS = QueryLoss(lambda value: value)


def found(sure: float, shift: float, stages: int = 2) -> Queries:
    """Four queries of two images, the first two of which see the boxes, moved by `shift` shares."""
    shares = centred(BOXES / np.asarray([100, 50, 100, 50], np.float32))
    boxes = np.full((stages, 2, 4, 4), 0.5, np.float32)
    boxes[:, :, :2] = shares + np.asarray([shift, 0, 0, 0], np.float32)
    logits = np.full((stages, 2, 4, 2), -8.0, np.float32)
    logits[:, 0, 0, 0] = logits[:, 0, 1, 1] = sure
    return Queries(paddle.to_tensor(logits, stop_gradient=False), paddle.to_tensor(boxes, stop_gradient=False))


def losses(given: Queries) -> dict[str, float]:
    return {name: float(value) for name, value in LOSS(LearnedQueries(given, None, None), TRUTHS, SIZE).items()}


def test_a_network_that_is_right_pays_next_to_nothing() -> None:
    right, unsure = losses(found(8.0, 0.0)), losses(found(-8.0, 0.0))
    assert right["loss"] < 1e-2 and right["denoising"] == 0
    # Each of two boxes is scored e^-8 instead of 1, in each of two stages: 8 apiece.
    assert unsure["classes"] == pytest.approx(2 * 8, rel=1e-2)


def test_distances_and_overlaps_are_sums_over_stages_by_the_number_of_boxes() -> None:
    moved = losses(found(8.0, 0.1))
    # The centre's x is 0.1 off for each box: 5 · 0.1 in each stage.
    assert moved["boxes"] == pytest.approx(2 * 5 * 0.1, rel=1e-5)
    # Boxes of 0.2 and 0.4 wide overlap in 0.1 of 0.3, 0.3 of 0.5; each fills its hull with the other.
    assert moved["overlaps"] == pytest.approx(2 * 2 * ((1 - 1 / 3) + (1 - 3 / 5)) / 2, rel=1e-4)
    assert moved["loss"] == pytest.approx(moved["classes"] + moved["boxes"] + moved["overlaps"])


def test_copies_that_were_made_right_cost_nothing_and_count_by_their_number() -> None:
    denoising = make_noisy([(boxes / 100, classes) for boxes, classes in TRUTHS], 2, np.random.default_rng(0))
    assert denoising is not None
    shares = centred(BOXES / np.asarray([100, 50, 100, 50], np.float32))
    boxes = np.full((1, 2, denoising.size, 4), 0.5, np.float32)
    logits = np.full((1, 2, denoising.size, 2), -8.0, np.float32)
    boxes[0, 0, denoising.places[0]] = shares[denoising.truths[0]]
    logits[0, 0, denoising.places[0], denoising.truths[0]] = 8.0
    moved = boxes + np.asarray([0.1, 0, 0, 0], np.float32)
    paid = [
        LOSS(LearnedQueries(found(8.0, 0.0), Queries(*map(paddle.to_tensor, (logits, each))), denoising), TRUTHS, SIZE)
        for each in (boxes, moved)
    ]
    assert float(paid[0]["denoising"]) < 1e-2
    assert float(paid[1]["denoising"]) == pytest.approx(losses(found(8.0, 0.1, stages=1))["loss"], rel=1e-2)


def test_images_without_objects_teach_that_there_are_none() -> None:
    given = found(2.0, 0.0)
    parts = LOSS(LearnedQueries(given, None, None), [TRUTHS[1], TRUTHS[1]], SIZE)
    parts["loss"].backward()
    assert float(parts["boxes"]) == float(parts["overlaps"]) == 0
    assert bool((given.logits.grad > 0).all()) and float(given.boxes.grad.abs().sum()) == 0
