"""Run-length encodings are COCO's own: as its program writes them, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plx_train.contract.truth import RunLengths
from plx_train.data.formats.run_lengths import packed, runs_of, unpacked


def test_runs_go_down_the_columns() -> None:
    runs = runs_of({"size": [3, 4], "counts": [1, 2, 6, 3]})
    assert runs == RunLengths((3, 4), (1, 2, 6, 3))
    assert runs.pixels().astype(int).tolist() == [[0, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1]]


def test_a_packed_text_says_the_same() -> None:
    # 1, 2, 6 as they are; from the fourth on the difference to the last but one: 3 - 2; 40 - 6 takes two characters.
    assert unpacked("1261R1") == [1, 2, 6, 3, 40]
    assert unpacked("126O") == [1, 2, 6, 1], "a difference may be below 0"
    assert unpacked("") == []
    for text in ("1261R1", "126O", ""):
        assert packed(unpacked(text) or ()) == text


@pytest.mark.parametrize("seed", range(8))
def test_texts_of_the_original_program_are_read(seed: int) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 300, 2)
    mask = rng.random((height, width)) < rng.choice([0.001, 0.1, 0.5, 0.99])
    if seed % 2:
        mask = np.kron(mask[: height // 7 + 1, : width // 7 + 1], np.ones((7, 7)))[:height, :width] > 0
    told = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    runs = runs_of({"size": told["size"], "counts": told["counts"].decode()})
    assert runs is not None and np.array_equal(runs.pixels(), mask)
    assert runs_of({"size": told["size"], "counts": list(runs.lengths)}) == runs
    assert packed(runs.lengths) == told["counts"].decode()


@pytest.mark.parametrize(
    "given",
    [
        None,
        [[0, 0, 4, 0, 4, 4]],
        {},
        {"size": [3, 4]},
        {"size": [3, 4], "counts": [1, 2, 6]},
        {"size": [3, 4], "counts": [1, 2, 6, 4]},
        {"size": [3, 4], "counts": [13, -1]},
        {"size": [3, 4], "counts": [True, 11]},
        {"size": [3, 4], "counts": [6.0, 6.0]},
        {"size": [3], "counts": [3]},
        {"size": [0, 4], "counts": []},
        {"size": ["3", 4], "counts": [12]},
        {"size": [100_000, 100_000], "counts": [10_000_000_000]},
        {"size": [3, 4], "counts": "<\x00"},
        {"size": [3, 4], "counts": "R"},
        {"size": [3, 4], "counts": "oooooooooooooooo0"},
        {"size": [3, 4], "counts": "\u0661"},
    ],
)
def test_what_says_no_runs_is_none(given: Any) -> None:
    assert runs_of(given) is None


@pytest.mark.parametrize("seed", range(4))
def test_what_is_packed_is_unpacked(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(0, 10 ** (2 * seed + 1), 200).tolist()
    assert unpacked(packed(lengths)) == lengths
