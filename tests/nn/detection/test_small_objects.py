"""PP-YOLOE+ SOD, tiny: distances below nothing, attention at any size, and an export that is equal to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
import pytest

from plx_train.export.static_model import StaticModel
from plx_train.nn.detection.dense_loss import dense_sums
from plx_train.nn.detection.exported import FinishedPoints
from plx_train.nn.detection.points import mean_distances, points_of
from plx_train.nn.detection.pp_yoloe import PPYOLOE
from plx_train.nn.detection.task_aligned import assign_central
from plx_train.nn.exported import name_tensors

SIZE, BINS = (64, 96), range(-2, 8)


def tiny() -> PPYOLOE:
    paddle.seed(3)
    with paddle.utils.unique_name.guard():
        network = PPYOLOE(2, width=0.125, depth=0.33, bins=BINS, attends=True)
    for name, tensor in network.named_parameters():
        if "pred_" in name:
            tensor.set_value(paddle.randn(tensor.shape) * 0.2)
    network.eval()
    return network


@pytest.mark.long
def test_an_export_is_equal_and_its_places_are_parameters_not_text(tmp_path: Path) -> None:
    network = tiny()
    name_tensors(network)
    finished = FinishedPoints(network, SIZE, 0.6, 100)
    finished.eval()
    with paddle.utils.unique_name.guard():
        static = paddle.jit.to_static(finished.forward, input_spec=finished.inputs(), full_graph=True)
        paddle.jit.save(static, str(tmp_path / "inference"))
    images = np.random.default_rng(0).random((2, 3, *SIZE), np.float32)
    factor = np.ones((2, 2), np.float32)
    with paddle.no_grad():
        rows, counts = finished(paddle.to_tensor(images), paddle.to_tensor(factor))
    for is_onednn in (False, True):
        found, numbers = StaticModel(tmp_path, onednn=is_onednn)(images, factor)
        assert numbers.tolist() == counts.numpy().tolist() and len(found)
        assert np.allclose(np.sort(found[:, 1]), np.sort(rows.numpy()[:, 1]), atol=1e-4)
    assert (tmp_path / "inference.json").stat().st_size < 1_000_000


def test_places_follow_the_size_of_the_images() -> None:
    network = tiny()
    with paddle.no_grad():
        first = network(paddle.ones([1, 3, *SIZE]))[0]
        other = network(paddle.ones([1, 3, 96, 32]))[0]
        again = network(paddle.ones([1, 3, *SIZE]))[0]
    assert first.shape[1] == len(points_of(SIZE, network.strides)) and other.shape[1] == 12 * 4 + 6 * 2 + 3
    assert np.array_equal(first.numpy(), again.numpy())


def test_a_point_may_lie_outside_of_its_box() -> None:
    points = points_of((32, 32), (8,))
    logits = np.full((1, len(points), 4, len(BINS)), -40.0, np.float32)
    # The point at (4, 4) sees a box that begins a stride to its right: -1 stride to the left is bin 1.
    for edge, distance in enumerate((-1, 0, 2, 1)):
        logits[0, 0, edge, distance - BINS.start] = 0
    distances = paddle.to_tensor(logits.reshape(1, len(points), -1))
    assert mean_distances(distances, BINS).numpy()[0, 0].tolist() == pytest.approx([-1, 0, 2, 1], abs=1e-5)
    box, scores = np.asarray([[12, 4, 20, 12]], np.float32), paddle.zeros([1, len(points), 1])

    def learned(_points: np.ndarray, *given: np.ndarray) -> object:
        found = assign_central(_points, *given)
        return type(found)(np.asarray([0]), np.asarray([0]), *(np.ones(1, np.float32),) * 2, 1.0)

    sums = dense_sums(scores, distances, [(box, np.asarray([0]))], points, BINS, learned)
    assert float(sums.boxes) == pytest.approx(0, abs=1e-5) and float(sums.distances) == pytest.approx(0, abs=1e-4)
