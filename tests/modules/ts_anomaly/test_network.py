"""Ranks and smoothing inside the graph, and what a network has to beat, against what was worked out by hand."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from kit.rank_scale import ranks_of
from plx_train.contract.sample import Sample
from plx_train.modules.ts_anomaly.baselines import baseline_figures, nearest_scores
from plx_train.modules.ts_anomaly.metric import TsAnomalyMetric, pooled_figures
from plx_train.modules.ts_anomaly.network import Detector, Ranks, smoothing
from plx_train.modules.ts_anomaly.processor import TsAnomalyPrediction
from plx_train.modules.ts_anomaly.rank_average import fit_ranks
from plx_train.modules.ts_anomaly.scores import root_scores


class Zero(paddle.nn.Layer):
    """Gives zeros back: the score of a row is its mean square."""

    def __init__(self, factor: float = 0.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x * self.factor


@pytest.mark.parametrize("spread", [1.0, 1e-6])
def test_ranks_in_the_graph_are_those_of_numpy(spread: float) -> None:
    trained = spread * np.random.default_rng(0).exponential(size=5000)
    scale = fit_ranks(trained)
    ranks = Ranks()
    ranks.take(scale)
    asked = spread * np.concatenate([np.geomspace(1e-3, 40, 300), [0.0]])
    found = ranks(paddle.to_tensor(asked[None].astype(np.float32))).numpy()[0]
    # Fewer knots: within half a hundredth, and nearer where it matters, above all that was trained on.
    expected = ranks_of(scale, asked)
    np.testing.assert_allclose(found, expected, atol=0.005)
    above = asked > trained.max()
    np.testing.assert_allclose(found[above], expected[above], atol=1e-5)
    assert (np.diff(found[:300]) >= 0).all()


def test_scores_that_are_all_alike_have_a_rank() -> None:
    ranks = Ranks()
    ranks.take(fit_ranks(np.full(50, 0.25)))
    found = ranks(paddle.to_tensor([[0.0, 0.25, 0.5]])).numpy()[0]
    assert np.isfinite(found).all() and found[0] < 0.6 <= found[2] and found[2] < 2


def test_a_score_is_shared_by_the_rows_around_it_within_a_window() -> None:
    np.testing.assert_allclose(smoothing(4, 3)[:, 1], [1 / 3, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(smoothing(4, 3)[:, 0], [0.5, 0.5, 0, 0])
    detector = Detector([Zero()], 4, 3, 2)
    x = np.zeros((1, 4, 2), np.float32)
    x[0, 1] = (3, 1)
    distance = detector.outputs(x) - x
    np.testing.assert_allclose(np.square(distance).mean(-1)[0], [2.5, 5 / 3, 5 / 3, 0], rtol=1e-5, atol=1e-12)


def test_a_fusion_gives_the_square_of_the_mean_rank() -> None:
    detector = Detector([Zero(), Zero(0.5)], 3, 1, 1)
    # The error of the first is x squared, that of the second a quarter of it.
    for ranks, factor in zip(detector.ranks, (1.0, 0.25), strict=True):
        ranks.take(fit_ranks(factor * np.arange(1001) / 1000))
    x = np.sqrt(np.asarray([0.2, 0.5, 3.0], np.float32))[None, :, None]
    scores = np.square(detector.outputs(x) - x)[0, :, 0]
    scale = fit_ranks(np.arange(1001) / 1000)
    np.testing.assert_allclose(np.sqrt(scores), ranks_of(scale, np.asarray([0.2, 0.5, 3.0])), atol=2e-3)


def test_a_row_has_the_root_of_the_mean_of_its_windows() -> None:
    rows = np.asarray([[1.0], [2.0], [3.0]])
    # The window from row 0 is off by 1, that from row 1 by 2.
    found = root_scores(rows, lambda windows: windows + windows[:, :1], 2, 1)
    np.testing.assert_allclose(np.square(found), [1, 2.5, 4])


def test_figures_of_several_series_do_not_join_their_events() -> None:
    labels, scores = [np.asarray([0, 1]), np.asarray([1, 0])], [np.asarray([0.0, 1.0]), np.asarray([0.0, 0.5])]
    found = pooled_figures(labels, scores, 0.9)
    assert (found["event_recall"], found["event_precision"], found["recall"]) == (0.5, 1.0, 0.5)
    assert found["auroc"] == pytest.approx((1 + 1 + 0.5 + 0) / 4)


def prediction(scores: list[float]) -> TsAnomalyPrediction:
    return TsAnomalyPrediction(np.arange(len(scores)), False, np.asarray(scores), 0.5)


def marked(marks: np.ndarray | None) -> Sample:
    return Sample(None, None, marks, "s")


def test_a_metric_over_marked_and_unmarked_series() -> None:
    metric = TsAnomalyMetric(is_marked=True)
    assert metric.update(prediction([0.1, 0.9]), marked(np.asarray([0, 1]))) == 1.0
    assert metric.update(prediction([0.1, 0.9]), marked(np.asarray([0, 0]))) == 0.5
    assert metric.update(prediction([0.4]), marked(None)) == 1.0
    found = metric.compute()
    assert found["mse"] == pytest.approx((0.1 + 0.1 + 0.9 + 0.4) / 4)
    assert (found["recall"], found["precision"]) == (1.0, 0.5)
    assert metric.curve()[-1] == (1.0, 0.25)
    unmarked = TsAnomalyMetric(is_marked=False)
    assert unmarked.update(prediction([0.2, 0.4]), marked(None)) == pytest.approx(0.3)
    assert unmarked.compute() == {"mse": pytest.approx(0.3)} and not unmarked.curve()


def test_baselines_find_what_stands_out() -> None:
    rows = np.sin(2 * np.pi * np.arange(400) / 20)[:, None]
    strange = rows.copy()
    marks = np.zeros(400, np.uint8)
    # Half a wave is left out: no value is unusual, only what follows what.
    strange[200:220] = rows[210:230]
    marks[200:220] = 1
    found = baseline_figures([rows], [(strange, marks)], 30, 99.0)
    assert found["nearest_window_auroc"] > 0.95 > 0.7 > found["rolling_median_auroc"]
    spiked = rows.copy()
    spiked[200:202] += 3
    marks = (np.arange(400) // 2 == 100).astype(np.uint8)
    assert baseline_figures([rows], [(spiked, marks)], 30, 99.0)["rolling_median_auroc"] > 0.99
    scores = nearest_scores([rows], [rows], 30)
    assert scores is not None and scores[0].max() < 1e-9
