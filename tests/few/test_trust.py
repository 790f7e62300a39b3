"""Confidences become weights, and what was learned of them is kept."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.few.trust import Trust, make_trust


def labels(*confidences: float) -> list[PseudoLabel]:
    return [PseudoLabel("a", one, (0,), np.asarray([one, 1 - one])) for one in confidences]


def test_a_fixed_threshold_takes_all_or_nothing() -> None:
    assert make_trust("fixed", 0.9).weigh(labels(0.89, 0.9, 1.0)).tolist() == [0, 1, 1]


def test_softmatch_falls_like_a_bell_below_the_mean() -> None:
    # Mean 0.6, variance 0.06: a weight of exp(−(c − mean)² / (2 · variance / 2²)).
    weights = make_trust("softmatch", 0.5).weigh(labels(0.3, 0.6, 0.9))
    assert weights == pytest.approx([np.exp(-0.09 / (2 * 0.06 / 4)), 1.0, 1.0], rel=1e-5)


def test_freematch_asks_less_of_classes_that_are_seldom_seen() -> None:
    common = [PseudoLabel("a", 0.8, (0,), np.asarray([0.8, 0.2])) for _ in range(3)]
    rare = PseudoLabel("b", 0.6, (1,), np.asarray([0.4, 0.6]))
    # Mean confidence 0.75; mean scores 0.7 and 0.3, so the second class has a threshold of 0.75 · 0.3 / 0.7.
    assert make_trust("freematch", 0.5).weigh([*common, rare]).tolist() == [1, 1, 1, 1]
    assert make_trust("freematch", 0.5).weigh([*common, PseudoLabel("a", 0.6, (0,), rare.scores)]).tolist()[-1] == 0


def test_freematch_goes_by_the_mean_alone_without_scores() -> None:
    given = [PseudoLabel("text", one) for one in (0.2, 0.8)]
    assert make_trust("freematch", 0.5).weigh(given).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["fixed", "freematch", "softmatch"])
def test_trust_goes_on_where_it_was(name: str) -> None:
    batches = [labels(*np.random.default_rng(seed).uniform(0.2, 1, 8)) for seed in range(4)]
    whole = make_trust(name, 0.7)
    expected = [whole.weigh(batch) for batch in batches]
    first: Trust = make_trust(name, 0.7)
    for batch in batches[:2]:
        first.weigh(batch)
    second = make_trust(name, 0.7)
    second.restore(first.state())
    for batch, weights in zip(batches[2:], expected[2:], strict=True):
        assert np.array_equal(second.weigh(batch), weights)


def test_weights_stay_where_all_are_equally_sure() -> None:
    assert make_trust("softmatch", 0.5).weigh(labels(0.7, 0.7)).tolist() == [1, 1]
