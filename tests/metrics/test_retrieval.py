"""What is found in a gallery, against written-out examples."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from plx_train.contract.sample import Sample
from plx_train.metrics import retrieval
from plx_train.metrics.retrieval import RetrievalMetric, best_threshold

ANGLES = {"a": 0.0, "b": 90.0, "c": 180.0}


def at(degrees: float) -> np.ndarray:
    turn = np.deg2rad(degrees)
    return np.asarray([np.cos(turn), np.sin(turn)], np.float32)


def filled(*images: tuple[str, float, str], threshold: float = 0.5) -> tuple[RetrievalMetric, list[float]]:
    metric, values = RetrievalMetric(), []
    for name, degrees, role in images:
        truth = SimpleNamespace(name=name, role=role)
        prediction = SimpleNamespace(feature=at(degrees), threshold=threshold)
        values.append(metric.update(prediction, Sample(None, None, truth, name)))
    return metric, values


GALLERY = tuple((name, angle, "gallery") for name, angle in ANGLES.items())


def test_a_written_out_example() -> None:
    # The first is right, the second has its class in the second place, the third is of no known class.
    metric, values = filled(*GALLERY, ("a", 10, "query"), ("b", 40, "query"), ("d", 100, "query"))
    found = metric.compute()
    assert (found["recall1"], found["recall5"], found["mAP"]) == (0.5, 1.0, 0.75)
    assert found["accepted"] == 0.5
    # Without their own class they are nearest by cos 80, cos 40 and cos 10: the first alone is refused.
    assert found["refused"] == pytest.approx(1 / 3)
    assert found["open"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert values[:3] == [1.0] * 3
    expected = np.cos(np.deg2rad(10)) - np.cos(np.deg2rad(80))
    assert values[3] == pytest.approx(expected, abs=1e-6) and values[4] < 0


def test_what_is_held_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    images = (*GALLERY, ("a", 10, "query"), ("b", 40, "query"), ("d", 100, "query"))
    features = np.stack([at(angle) for _, angle, _ in images])
    whole = filled(*images)[0].compute(), best_threshold(features, [0, 1, 2, 0, 1, 3], 0.5)
    monkeypatch.setattr(retrieval, "AT_ONCE", 4)
    assert (filled(*images)[0].compute(), best_threshold(features, [0, 1, 2, 0, 1, 3], 0.5)) == whole


def test_several_images_of_a_class_count_by_their_precision() -> None:
    gallery = [("a", 0.0, "gallery"), ("b", 20.0, "gallery"), ("a", 40.0, "gallery")]
    metric, _ = filled(*gallery, ("a", 5.0, "query"))
    assert metric.compute()["mAP"] == pytest.approx((1 + 2 / 3) / 2)


def test_equal_features_are_no_hit() -> None:
    metric, _ = filled(("a", 0, "gallery"), ("b", 0, "gallery"), ("a", 0, "query"))
    assert metric.compute()["recall1"] == 0.0


def test_training_images_are_looked_for_among_all_others() -> None:
    metric, _ = filled(("a", 0, "train"), ("a", 10, "train"), ("b", 90, "train"), ("c", 200, "train"))
    found = metric.compute()
    # Of b and c there is no other image.
    assert found["recall1"] == 1.0 and found["mAP"] == 1.0


def test_nothing_to_find_is_nothing_found() -> None:
    assert set(filled(*GALLERY)[0].compute().values()) == {0.0}


def test_queries_are_written_with_what_is_nearest() -> None:
    metric, _ = filled(*GALLERY, ("b", 30, "query"))
    text = metric.table(["a.png", "b.png", "c.png", "q.png"])["queries.csv"]
    assert text.splitlines()[1] == "q.png,b,a.png,a,0.866"


def test_the_threshold_lies_between_what_is_alike_and_what_is_not() -> None:
    features = np.stack([at(angle) for angle in (0, 10, 90, 100, 180, 190)])
    limit = best_threshold(features, [0, 0, 1, 1, 2, 2], 0.9)
    assert np.cos(np.deg2rad(80)) < limit < np.cos(np.deg2rad(10))


@pytest.mark.parametrize("classes", [[0, 1, 2], [0, 0, 0]])
def test_without_pairs_or_others_nothing_is_chosen(classes: list[int]) -> None:
    assert best_threshold(np.stack([at(0), at(10), at(50)]), classes, 0.7) == 0.7
