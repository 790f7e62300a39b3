"""Scores of series, thresholds and rank averages, against examples written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.ground.errors import ConfigError, DataError
from plx_train.metrics.anomaly_thresholds import Threshold, best_f1, fit_pareto, percentile, pot
from plx_train.modules.ts_anomaly.rank_average import MAX_KNOTS, fit_ranks, rank_average, ranks_of
from plx_train.modules.ts_anomaly.scores import SeriesScores, last_window_scores, window_starts


def test_the_last_window_ends_with_the_series() -> None:
    assert window_starts(10, 4, 3).tolist() == [0, 3, 6]
    assert window_starts(11, 4, 3).tolist() == [0, 3, 6, 7]
    assert window_starts(4, 4, 4).tolist() == [0]


def test_windows_that_cannot_cover_a_series() -> None:
    with pytest.raises(DataError, match="3 rows cannot be scored by windows of 4"):
        window_starts(3, 4, 1)
    with pytest.raises(ConfigError, match="a stride of 5"):
        window_starts(10, 4, 5)


def test_a_row_gets_the_mean_of_its_windows_and_channels() -> None:
    scores = SeriesScores(4)
    # Windows of three rows from row 0 and row 1; two channels.
    first = np.array([[1.0, 3.0], [2.0, 2.0], [4.0, 6.0]])
    second = np.array([[8.0, 4.0], [1.0, 1.0], [7.0, 9.0]])
    scores.add(np.array([0, 1]), np.stack([first, second]))
    assert scores.mean().tolist() == [2.0, (2 + 6) / 2, (5 + 1) / 2, 8.0]


def test_batches_in_any_order_give_the_same_as_all_at_once() -> None:
    random = np.random.default_rng(0)
    starts = window_starts(103, 16, 5)
    errors = random.random((len(starts), 16, 3))
    whole, parts = SeriesScores(103), SeriesScores(103)
    whole.add(starts, errors)
    order = random.permutation(len(starts))
    for some in np.array_split(order, 4):
        parts.add(starts[some], errors[some])
    np.testing.assert_allclose(parts.mean(), whole.mean())


def test_rows_without_a_window_are_not_silent() -> None:
    scores = SeriesScores(5)
    scores.add(np.array([0]), np.ones((1, 3, 1)))
    with pytest.raises(ValueError, match="2 rows lie in no window, row 3 first"):
        scores.mean()
    with pytest.raises(ValueError, match="from row 3 to 6"):
        scores.add(np.array([3]), np.ones((1, 3, 1)))


def test_the_last_window_is_scored_as_paddlex_does() -> None:
    rows, reconstruction = np.array([[1.0, 2.0], [0.0, 4.0]]), np.array([[0.0, 4.0], [3.0, 4.0]])
    assert last_window_scores(rows, reconstruction).tolist() == [2.5, 4.5]
    scores = SeriesScores(2)
    scores.add(window_starts(2, 2, 2), np.square(reconstruction - rows)[None])
    assert scores.mean().tolist() == [2.5, 4.5]


def test_percentile() -> None:
    found = percentile(np.arange(101.0), 99)
    assert found == Threshold(99.0, "percentile", "Percentile 99 of the scores of 101 normal rows.")
    with pytest.raises(DataError, match="needs scores of 100 normal rows at least and there are 99"):
        percentile(np.arange(99.0), 99)
    with pytest.raises(ConfigError, match="percentile of 100 cannot"):
        percentile(np.arange(200.0), 100)


def test_best_f1_by_hand() -> None:
    # Descending: 9 (1), 8 (0), 7 (1), 6 (0): F1 2/3, 1/2, 4/5, 2/3.
    found = best_f1(np.array([9.0, 6.0, 7.0, 8.0]), np.array([1, 0, 1, 0]))
    assert found.value == 6.5
    assert "F1 0.800 (precision 0.667, recall 1.000) on 4 labelled rows, 2 of them" in found.detail


def test_best_f1_is_that_of_trying_every_score() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        labels = random.random(60) < 0.3
        scores = np.round(random.random(60) + labels * 0.4, 1)
        value = best_f1(scores, labels).value

        def f1(threshold: float, scores: np.ndarray = scores, labels: np.ndarray = labels) -> float:
            return 2 * (labels & (scores >= threshold)).sum() / ((scores >= threshold).sum() + labels.sum())

        assert f1(value) == pytest.approx(max(f1(each) for each in scores), abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "labels", "sentence"),
    [
        ([], [], "needs labelled rows and there are none"),
        ([1.0, 2.0], [0, 0], "all 2 are normal"),
        ([1.0, 2.0], [1, 1], "all 2 are anomalous"),
        ([3.0, 3.0], [0, 1], "all 2 anomaly scores are 3"),
        ([3.0, np.nan], [0, 1], "1 of 2 anomaly scores are not finite"),
    ],
)
def test_labels_that_give_no_threshold(scores: list[float], labels: list[int], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        best_f1(np.asarray(scores), np.asarray(labels))


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.25, 0.8])
def test_pareto_is_that_of_the_highest_likelihood(shape: float) -> None:
    from scipy.stats import genpareto

    drawn = genpareto.rvs(shape, scale=3.0, size=4000, random_state=0)
    found, scale = fit_pareto(drawn)
    assert found == pytest.approx(shape, abs=0.06)
    assert scale == pytest.approx(3.0, rel=0.08)
    theirs = genpareto.fit(drawn, floc=0)
    ours_is = genpareto.logpdf(drawn, found, scale=scale).sum()
    assert ours_is >= genpareto.logpdf(drawn, *theirs).sum() - 1e-3


def test_pot_finds_the_quantile_that_was_asked_for() -> None:
    scores = np.random.default_rng(3).exponential(size=50_000)
    found = pot(scores, risk=1e-4)
    # The exponential distribution exceeds −log(risk) with that probability.
    assert found.value == pytest.approx(-np.log(1e-4), rel=0.15)
    assert found.rule == "pot"
    assert "1000 of 50000 normal rows exceed" in found.detail
    assert pot(scores, risk=1e-3).value < found.value


def test_pot_where_it_cannot_be() -> None:
    with pytest.raises(DataError, match=r"at least 10 normal rows with scores above .* there are 2 of 100"):
        pot(np.arange(100.0))
    with pytest.raises(ConfigError, match=r"risk 0.1 with level 0.98"):
        pot(np.arange(100.0), risk=0.1)


def test_ranks_by_hand() -> None:
    scale = fit_ranks(np.array([1.0, 2.0, 2.0, 5.0]))
    assert scale.values.tolist() == [1.0, 2.0, 5.0]
    assert scale.ranks.tolist() == [0.125, 0.5, 0.875]
    # Halfway between 2 and 5; below all; above all by the spread (5 less the median 2) and by three times that.
    found = ranks_of(scale, np.array([3.5, 0.0, 8.0, 14.0]))
    assert found.tolist() == [0.6875, 0.0, 0.875 + 0.5, 0.875 + 0.75]


def test_many_scores_keep_few_knots_and_their_ranks() -> None:
    scores = np.random.default_rng(0).gamma(2, size=20_000)
    scale = fit_ranks(scores)
    assert len(scale.values) <= MAX_KNOTS
    assert scale.values[-1] == scores.max()
    exact = (np.argsort(np.argsort(scores)) + 0.5) / len(scores)
    assert np.abs(ranks_of(scale, scores) - exact).max() < 1.5 / MAX_KNOTS
    grid = ranks_of(scale, np.linspace(0, 50, 5000))
    assert (np.diff(grid[grid > 0]) > 0).all()


def test_a_member_does_not_outvote_the_others_by_its_units() -> None:
    random = np.random.default_rng(0)
    training = [random.random(500), random.random(500) * 1e6]
    scales = [fit_ranks(each) for each in training]
    fused = rank_average(scales, [np.array([0.5, 0.99]), np.array([0.5e6, 0.01e6])])
    assert fused[0] == pytest.approx(0.5, abs=0.05)
    assert fused[1] == pytest.approx(0.5, abs=0.05)


def test_alike_training_scores_still_rank() -> None:
    scale = fit_ranks(np.zeros(10))
    assert ranks_of(scale, np.array([0.0, 1.0])).tolist() == [0.5, 1.0]
    with pytest.raises(DataError, match="all finite"):
        fit_ranks(np.array([1.0, np.inf]))
