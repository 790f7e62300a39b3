"""Very long lines are read in pieces, cut between words; all others as ever."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plx_train.modules.text_rec.processor import TextRecProcessor
from plx_train.vision.long_lines import cuts_of

PROCESSOR = TextRecProcessor(characters=("a", "b"))


def line(words: int, gap: int = 30) -> np.ndarray:
    """Words of ten strokes, 10 pixels wide and 4 apart, on a line 32 high."""
    word = np.full((32, 140 + gap, 3), 255, np.uint8)
    for stroke in range(10):
        word[4:28, 14 * stroke : 14 * stroke + 10] = 0
    return np.tile(word, (1, words, 1))


class Graph:
    """Reads an a, and notes what widths it was given."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def __call__(self, values: Any) -> list[np.ndarray]:
        self.widths.append(values.shape[-1])
        found = np.zeros((1, 3, 4), np.float32)
        found[:, :, 0], found[:, 1] = 0.9, (0.0, 0.9, 0.0, 0.1)
        return [found]


@pytest.mark.parametrize("width", [40, 400, 2000, 4000, 4266])
def test_ordinary_lines_are_read_as_a_whole(width: int) -> None:
    graph = Graph()
    assert PROCESSOR.predict_in_pieces(graph, np.zeros((32, width, 3), np.uint8)) is None
    assert graph.widths == []


def test_cuts_lie_between_words_and_pieces_are_of_reading_length() -> None:
    image = line(60)
    cuts = cuts_of(image)
    assert len(cuts) > 5
    for column, is_space in cuts:
        assert is_space and column % 170 > 136
    lengths = np.diff([0, *(column for column, _ in cuts), image.shape[1]])
    assert lengths.max() <= 48 * 32


def test_the_pieces_texts_stand_side_by_side() -> None:
    graph = Graph()
    found = PROCESSOR.predict_in_pieces(graph, line(60))
    assert found is not None
    assert found.text == " ".join("a" * len(graph.widths)) and found.score > 0.5
    assert max(graph.widths) <= 3200


def test_writing_without_gaps_is_cut_too() -> None:
    image = np.random.default_rng(1).integers(0, 255, (32, 9000, 3)).astype(np.uint8)
    cuts = cuts_of(image)
    assert cuts and not any(is_space for _, is_space in cuts)
    assert cuts_of(np.full((32, 9000, 3), 255, np.uint8))
