"""What a pool's stream counts and says of it, over all processes of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.distributed import ranks
from plx_train.few.stream import PoolStream, Ramp
from plx_train.few.trust import Fixed


class Teaching:
    """Says of each view what it holds, as sure as that says."""

    def __init__(self, confidence: float) -> None:
        self.trust, self.teacher, self.confidence = Fixed(0.5), None, confidence

    def follow(self, average: Any) -> None:
        return

    def labels(self, views: list[np.ndarray]) -> list[PseudoLabel]:
        return [PseudoLabel("cat", self.confidence, (2,)) for _ in views]

    def weigh(self, labels: list[PseudoLabel]) -> tuple[list[PseudoLabel], np.ndarray, slice]:
        # Another process has as many.
        every = [*labels, *labels]
        return every, self.trust.weigh(every), slice(0, len(labels))

    def batch(self, views: dict[str, Any], labels: list[PseudoLabel], weights: np.ndarray) -> dict[str, Any]:
        return {"names": views["names"], "weight": weights}


def stream(num: int, teaching: Teaching | None = None, num_pool: int = 0) -> PoolStream:
    return PoolStream(SimpleNamespace(dataset=range(num)), Ramp(1.0, 0.0), teaching, num_pool)  # type: ignore[arg-type]


def views(num: int) -> dict[str, Any]:
    pictures = [np.zeros((2, 2, 3), np.uint8)] * num
    return {"weak": pictures, "strong": pictures, "names": [str(place) for place in range(num)]}


def test_what_is_drawn_counts_for_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "counts", lambda values: np.asarray([values, values]))
    written = stream(10, num_pool=20)
    written.ready([{}, {"names": ["a", "b"], "weight": np.ones(2, np.float32)}], None, 0.0)
    assert written.figures() == {"drawn": 0.4, "ever_drawn": 0.2}
    for _ in range(4):
        written.ready([{}, {"names": ["a", "b"], "weight": np.ones(2, np.float32)}], None, 0.0)
    assert written.figures() == {"drawn": 2.0, "ever_drawn": 0.5}


def test_what_a_teacher_says_counts_for_all_processes() -> None:
    taught = stream(8, Teaching(0.75))
    taught.ready([{}, views(2)], None, 0.0)
    expected = {"drawn": 0.5, "ever_drawn": 0.5, "utilisation": 1.0, "weight": 1.0, "confidence": 0.75}
    assert taught.figures() == expected
    assert taught.tally.classes == {"2": 4}
    again = stream(8, Teaching(0.75))
    again.restore(taught.state())
    assert again.figures() == expected and again.tally.classes == {"2": 4}


@pytest.mark.parametrize(("confidence", "words"), [(0.75, "100.0% of the pool"), (0.25, "0.0% of the pool")])
def test_who_doubts_all_or_nothing_is_told_once_when_the_pool_was_seen(confidence: float, words: str) -> None:
    taught = stream(6, Teaching(confidence))
    said = []
    for _ in range(4):
        taught.ready([{}, views(2)], None, 0.0)
        said.append(taught.warning())
    assert [one is not None for one in said] == [False, True, False, False] and said[1].startswith(words)
    assert stream(1).warning() is None
