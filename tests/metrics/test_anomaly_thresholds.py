"""Thresholds of anomaly scores, against examples written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.ground.errors import ConfigError, DataError
from plx_train.metrics.anomaly_thresholds import Threshold, best_f1, fit_pareto, percentile, pot


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
