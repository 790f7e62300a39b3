"""Pairs of images are told apart by their cosine, against written-out examples."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from plx_train.contract.sample import Sample
from plx_train.metrics.pairs import PairMetric, accepted, best_cut, best_pair_threshold, folded_accuracy
from plx_train.vision.things import Mate, Thing


def at(degrees: float) -> np.ndarray:
    turn = np.deg2rad(degrees)
    return np.asarray([np.cos(turn), np.sin(turn)], np.float32)


def filled(*images: tuple[float, Thing], threshold: float = 0.5) -> tuple[PairMetric, list[float]]:
    metric, values = PairMetric(), []
    for degrees, truth in images:
        prediction = SimpleNamespace(feature=at(degrees), threshold=threshold)
        values.append(metric.update(prediction, Sample(None, None, truth, truth.name)))
    return metric, values


def paired(name: str, *mates: tuple[str, bool]) -> Thing:
    return Thing(0, name, "pair", tuple(Mate(*mate) for mate in mates))


def test_a_written_out_example() -> None:
    metric, values = filled(
        (0, paired("a")),
        (20, paired("b", ("a", True))),
        (90, paired("c", ("a", False), ("b", True))),
        (95, paired("d", ("c", False), ("gone", True))),
    )
    assert [round(each, 3) for each in metric.cosines] == [0.94, 0.0, 0.342, 0.996]
    assert [each for *_, each in metric.pairs] == [True, False, True, False]
    # The first is right and the second too, the third is too far for one thing, the last too near for two.
    assert metric.compute()["accuracy_kept"] == 0.5
    assert values == pytest.approx([1.0, 0.44, -0.158, -0.496], abs=1e-3)
    # Of four comparisons of a pair of one thing with one of two, two put the former nearer.
    assert metric.compute()["auroc"] == 0.5
    table = metric.table(["a.png", "b.png", "c.png", "d.png"])["pairs.csv"].splitlines()
    assert table[:2] == ["image,other,same,cosine", "a.png,b.png,1,0.9397"] and len(table) == 5


def test_images_of_classes_are_paired_with_the_last_ones() -> None:
    metric, _ = filled(*((0, Thing(0, name)) for name in "aabba"))
    assert metric.pairs == [(0, 1, True), (1, 2, False), (2, 3, True), (1, 3, False), (1, 4, True), (3, 4, False)]


def test_a_cut_lies_in_the_middle_of_where_most_are_right() -> None:
    assert best_cut(np.asarray([0.1, 0.9, 0.3, 0.7]), np.asarray([False, True, False, True])) == pytest.approx(0.5)
    # Equal cosines can't be cut between: both are taken for one thing, or for two.
    assert best_cut(np.asarray([0.4, 0.4, 0.8]), np.asarray([False, True, True])) == pytest.approx(-0.1)


def test_each_part_is_judged_by_a_cut_of_the_others() -> None:
    cosines = np.asarray([0.9, 0.1] * 10)
    is_same = np.asarray([True, False] * 10)
    assert folded_accuracy(cosines, is_same) == 1.0
    # A part that is the other way round is wrong by what the others say, though a cut of its own would be right of one.
    is_same[:2] = [False, True]
    assert folded_accuracy(cosines, is_same) == pytest.approx(0.9)


def test_so_many_of_one_thing_are_accepted_at_so_many_false_alarms() -> None:
    others = np.linspace(0, 0.99, 100)
    own = np.asarray([0.5, 0.895, 0.985, 1.0])
    cosines, is_same = np.concatenate([own, others]), np.arange(104) < 4
    # At a tenth the cut is the eleventh of the others, 0.89; at a hundredth the second, 0.98; of fewer there is none.
    assert accepted(cosines, is_same) == {"tar_far_0.1": 0.75, "tar_far_0.01": 0.5}


def test_pairs_of_one_kind_say_nothing() -> None:
    metric, _ = filled((0, paired("a")), (10, paired("b", ("a", True))))
    assert set(metric.compute().values()) == {0.0}
    assert best_pair_threshold(np.stack([at(0), at(5)]), [1, 1], 0.25) == 0.25
    chosen = best_pair_threshold(np.stack([at(0), at(10), at(90), at(100)]), [1, 1, 2, 2], 0.25)
    assert np.cos(np.deg2rad(80)) < chosen < np.cos(np.deg2rad(10))
