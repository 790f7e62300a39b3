"""Scores of series and their ranks, against examples written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kit.rank_scale import ranks_of
from plx_train.ground.errors import ConfigError, DataError
from plx_train.modules.ts_anomaly.rank_average import MAX_KNOTS, fit_ranks
from plx_train.modules.ts_anomaly.scores import SeriesScores, root_scores, window_starts


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
    # Squared error, mean over channels.
    np.testing.assert_allclose(np.square(root_scores(rows, lambda windows: reconstruction[None], 2, 2)), [2.5, 4.5])


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
    asked = [np.array([0.5, 0.99]), np.array([0.5e6, 0.01e6])]
    fused = np.mean([ranks_of(fit_ranks(known), each) for known, each in zip(training, asked, strict=True)], axis=0)
    assert fused[0] == pytest.approx(0.5, abs=0.05)
    assert fused[1] == pytest.approx(0.5, abs=0.05)


def test_alike_training_scores_still_rank() -> None:
    scale = fit_ranks(np.zeros(10))
    assert ranks_of(scale, np.array([0.0, 1.0])).tolist() == [0.5, 1.0]
    with pytest.raises(DataError, match="all finite"):
        fit_ranks(np.array([1.0, np.inf]))
