"""The figures of text recognition against examples worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.checked_rooms import true_sample
from plx_train.metrics.edit_distance import edit_distance
from plx_train.modules.text_rec.metric import TextRecMetric


def measured(*pairs: tuple[str, str]) -> dict[str, float]:
    """Figures for pairs of (read, true)."""
    metric = TextRecMetric()
    for read, true in pairs:
        metric.update(SimpleNamespace(text=read), true_sample(true))
    return metric.compute()


def test_a_written_out_example() -> None:
    # edits 1 of 3, 1 of 3 (a space), 3 of 7, none
    figures = measured(("abc", "abd"), ("ab", "a b"), ("kitten", "sitting"), ("xy", "xy"))
    assert figures == pytest.approx(
        {
            "accuracy": 1 / 4,
            "similarity": (2 / 3 + 2 / 3 + 4 / 7 + 1) / 4,
            "character_accuracy": 1 - 5 / 15,
            "accuracy_no_space": 2 / 4,
            "similarity_no_space": (2 / 3 + 1 + 4 / 7 + 1) / 4,
            "character_accuracy_no_space": 1 - 4 / 14,
        }
    )


def test_nothing_read_and_too_much_read() -> None:
    assert measured(("", "abcd"))["similarity"] == 0.0
    assert measured(("abcdef", "a"))["character_accuracy"] == pytest.approx(1 - 5)
    assert measured()["accuracy"] == 0.0


def test_update_tells_the_similarity_of_the_text() -> None:
    assert TextRecMetric().update(SimpleNamespace(text="ab"), true_sample("abcd")) == pytest.approx(0.5)


def table_distance(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        above, row = row, [i]
        for j, b in enumerate(second, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


@given(st.text("ab ü", max_size=80), st.text("ab ü", max_size=80))
def test_the_distance_is_that_of_the_usual_table(first: str, second: str) -> None:
    assert edit_distance(first, second) == table_distance(first, second)
