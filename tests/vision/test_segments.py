"""What a model sees at each pixel, in the place of a label."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.contract.truth import IGNORED, RunLengths
from plx_train.vision.segments import Segments, pseudo_mask

NAMES = ("_background_", "cat", "dog")


@pytest.mark.parametrize("marked", [np.zeros((2, 3), bool), np.ones((2, 3), bool), np.eye(4, dtype=bool)])
def test_runs_of_pixels_are_the_pixels(marked: np.ndarray) -> None:
    runs = RunLengths.of(marked)
    assert np.array_equal(runs.pixels(), marked) and sum(runs.lengths) == marked.size


def test_doubtful_pixels_count_neither_way() -> None:
    classes = np.asarray([[0, 1, 1], [2, 0, 1]], np.uint8)
    ahead = np.asarray([[0.9, 0.9, 0.1], [0.3, 0.9, 0.9]], np.float32)
    label = pseudo_mask(Segments(classes, NAMES, ahead))
    assert isinstance(label.truth, tuple)
    assert [(each.label, each.is_ignored) for each in label.truth] == [("cat", False), (IGNORED, True)]
    assert label.truth[1].runs and np.argwhere(label.truth[1].runs.pixels()).tolist() == [[0, 2], [1, 0]]
    assert (label.classes, label.confidence) == ((0, 1), pytest.approx(ahead.mean()))
    assert label.words == "cat" and label.can_be_learned
    assert not pseudo_mask(Segments(classes, NAMES, ahead * 0)).can_be_learned


def test_what_says_no_doubt_is_taken_as_it_is() -> None:
    label = pseudo_mask(Segments(np.full((2, 2), 2, np.uint8), NAMES))
    assert (label.words, label.confidence, label.classes) == ("dog", 1.0, (2,))
