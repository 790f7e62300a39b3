"""Networks of anomalies against their arithmetic: maps, memory, Gaussians, coreset."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from plx_train.nn.anomaly.coreset import coreset, gathered
from plx_train.nn.anomaly.fits import fit_gaussians, fit_memory
from plx_train.nn.anomaly.padim import PaDiM
from plx_train.nn.anomaly.patch_core import PatchCore
from plx_train.nn.anomaly.score_map import Enlarge, enlarging
from plx_train.nn.anomaly.stfpm import STFPM
from plx_train.nn.anomaly.whole import SHRINKAGE, Whole

SIZE = (64, 96)


def images(number: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (number, 3, *SIZE)).astype(np.float32)


def silent(share: float, note: str) -> None:
    assert 0 <= share <= 1 and note


def test_enlarged_maps_are_those_of_bilinear_interpolation() -> None:
    maps = paddle.randn([2, 3, 5, 7])
    expected = paddle.nn.functional.interpolate(maps, (20, 35), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(Enlarge((5, 7), (20, 35))(maps).numpy(), expected.numpy(), atol=1e-5)


def test_blurred_maps_keep_what_is_the_same_everywhere() -> None:
    np.testing.assert_allclose(enlarging(40, 10, 3.0).sum(axis=1), 1, atol=1e-6)
    peak = enlarging(41, 41, 3.0)[:, 20]
    assert peak.argmax() == 20 and peak[23] / peak[20] == pytest.approx(np.exp(-0.5), rel=1e-3)


def test_a_coreset_leaves_nothing_far_away() -> None:
    rng = np.random.default_rng(0)
    centres = np.asarray([[0, 0], [100, 0], [0, 100], [100, 100]], np.float32)
    points = np.concatenate([centre + rng.normal(0, 1, (50, 2)) for centre in centres]).astype(np.float32)
    chosen = coreset(points, 4, rng)
    assert sorted(place // 50 for place in chosen) == [0, 1, 2, 3]
    assert sorted(coreset(points, 500, rng)) == [*range(200)]


@pytest.mark.parametrize(("budget", "expected"), [(100, 100), (24, 24), (7, 7), (1000, 120)])
def test_candidates_stay_within_their_budget(budget: int, expected: int) -> None:
    batches = (np.full((10, 2), place, np.float32) for place in range(12))
    found = gathered(batches, 12, budget, np.random.default_rng(0))
    assert len(found) == expected - expected % 12 if budget >= 12 else len(found) == budget
    assert len(np.unique(found[:, 0])) == min(budget, 12)


def test_a_memory_knows_what_it_has_seen_and_how_far_the_rest_is() -> None:
    paddle.seed(0)
    network = PatchCore("MobileNetV2", SIZE, [8, 16], 0.0, 5000)
    network.eval()
    known, other = images(3), images(2, seed=1)
    assert np.ptp(network(paddle.to_tensor(known)).numpy()) == 0, "before the fit all scores are alike"
    fit_memory(network, iter([known]), 3, 100_000, silent)

    assert network(paddle.to_tensor(known)).numpy().max() < 0.02
    with paddle.no_grad():
        seen, asked = (network.patches(paddle.to_tensor(each)).numpy().reshape(-1, 128) for each in (known, other))
    scale = 1 / np.sqrt(np.square(seen - seen.mean(axis=0)).sum(axis=1).mean())
    apart = ((asked[:, None] - seen) * scale).astype(np.float64)
    nearest = np.sqrt(np.square(apart).sum(-1).min(-1)).reshape(2, 1, *network.cells).astype(np.float32)
    expected = Enlarge(network.cells, SIZE)(paddle.to_tensor(nearest)).numpy()
    np.testing.assert_allclose(network(paddle.to_tensor(other)).numpy(), expected, atol=2e-3)


def test_gaussians_are_those_of_each_place() -> None:
    paddle.seed(0)
    np.random.seed(0)
    network = PaDiM("MobileNetV2", SIZE, [16], 0.0, 8)
    network.eval()
    known, other = images(12), images(2, seed=1)
    fit_gaussians(network, iter([known[:5], known[5:]]), 12, silent)
    with paddle.no_grad():
        both = (network.patches(paddle.to_tensor(each)) @ network.chosen for each in (known, other))
        seen, asked = (each.numpy().astype(float) for each in both)
    place = 7
    usual = np.mean([np.var(seen[:, each], axis=0, ddof=1).mean() for each in range(seen.shape[1])])
    covariance = np.cov(seen[:, place].T) + SHRINKAGE * usual * np.eye(8)
    apart = asked[:, place] - seen[:, place].mean(axis=0)
    expected = np.sqrt(np.einsum("ni,ij,nj->n", apart, np.linalg.inv(covariance), apart) / 8)
    network.enlarge = paddle.nn.Identity()
    np.testing.assert_allclose(network(paddle.to_tensor(other)).numpy().reshape(2, -1)[:, place], expected, rtol=1e-3)


def test_a_student_that_is_its_teacher_sees_no_difference() -> None:
    paddle.seed(0)
    network = STFPM("MobileNetV2", SIZE, 2.0)
    x = paddle.to_tensor(images(2))
    network.train()
    network.backbone.eval()
    levels = network(x)
    assert [tuple(level.shape[2:]) for level in levels] == [(16, 24), (8, 12), (4, 6)]
    assert all(0 < float(level.mean()) <= 2 for level in levels)
    sum(level.mean() for level in levels).backward()
    assert all(each.grad is None for each in network.backbone.parameters())
    assert any(each.grad is not None for each in network.student.parameters())
    network.eval()
    assert float(network(x).min()) > 1e-3
    network.student.set_state_dict(network.backbone.state_dict())
    assert float(network(x).max()) < 1e-5


def test_what_changes_everywhere_is_odd_as_a_whole() -> None:
    rng = np.random.default_rng(0)
    good = rng.normal(0, [1, 0.5], (400, 2)).astype(np.float32)
    layer = Whole(2)
    asked = paddle.to_tensor(np.asarray([[0, 0], [3, 0], [0, 3]], np.float32))
    assert layer(asked).tolist() == [0, 0, 0], "before it has learned anything"
    layer.take(good, good[:0], 2.0)
    usual, along, across = layer(asked).tolist()
    distances = np.sqrt(np.square(good / [1, 0.5]).sum(axis=1) / 2)
    expected = [2.0 * (each / np.sqrt(2) - distances.mean()) / distances.std() for each in (3, 6)]
    assert usual == 0 and [along, across] == pytest.approx(expected, rel=0.1)
    held = Whole(2)
    held.take(good, 3 * good[:200], 2.0)
    assert 0 < held(asked)[2] < across / 3
    few = Whole(2)
    few.take(good[:5], good[:0], 2.0)
    assert few(asked).tolist() == [0, 0, 0]
