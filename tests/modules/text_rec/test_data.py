"""Samples of text recognition: batches of near widths, padding, and what training changes."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from plx_train.data.loader import Sampler
from plx_train.ground.errors import DataError
from plx_train.modules.text_rec.augment import ChangedCrops
from plx_train.modules.text_rec.config import TextRecAugmentOptions
from plx_train.modules.text_rec.data import collate
from plx_train.modules.text_rec.labels import LineLabel
from plx_train.modules.text_rec.processor import GROUP_WIDTH, TextRecProcessor, steps_of
from plx_train.vision.samples import ImageDataset, pad_eval

PROCESSOR = TextRecProcessor(("a", "b"))
UNCHANGED = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def changed(labels: list[LineLabel], *strengths: float, cache_bytes: int = 0) -> ImageDataset[LineLabel]:
    """Training crops, by the fields of `TextRecAugmentOptions`."""
    change = ChangedCrops(TextRecAugmentOptions(*strengths), PROCESSOR)
    return ImageDataset(labels, PROCESSOR, change, cache_bytes, PROCESSOR.group)


def crops(folder: Path, widths: list[int], text: str = "ab") -> list[LineLabel]:
    found = []
    for index, width in enumerate(widths):
        path = folder / f"{index}.png"
        cv2.imwrite(str(path), np.full((24, width, 3), 200, np.uint8))
        found.append(LineLabel(path, text, f"train.txt:{index + 1}"))
    return found


def test_batches_hold_crops_of_near_widths_and_every_crop_once(tmp_path: Path) -> None:
    widths = [100, 500, 300, 700] * 8  # at a height of 48: 320 (padded), 1000, 600, 1400
    dataset = changed(crops(tmp_path, widths), *UNCHANGED)
    sampler = Sampler(len(widths), 4, 1, groups=dataset.groups())
    epochs = [[[index for index, _ in batch] for batch in sampler.batches(epoch)] for epoch in (0, 1)]
    for batches in epochs:
        assert sorted(index for batch in batches for index in batch) == list(range(len(widths)))
        assert all(len({widths[index] for index in batch}) == 1 for batch in batches)
    assert epochs[0] != epochs[1]
    # From the middle on, as after an interruption, the batches are the same.
    assert [[index for index, _ in batch] for batch in sampler.batches(1, 5)] == epochs[1][5:]


def test_the_cache_changes_nothing_but_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = crops(tmp_path, [40, 300])
    changes = (0.1, 0.06, 0.3, 0.5, 0.5, 0.5, 0.5)
    plain, cached = (changed(labels, *changes, cache_bytes=size) for size in (0, 10**6))
    for index in (0, 1, 0, 1):
        first, second = (each.get(index, np.random.default_rng(index)) for each in (plain, cached))
        assert np.array_equal(first.x, second.x)
    for label in labels:
        label.image.unlink()
    assert cached.get(0, np.random.default_rng(0)).name == "0.png (train.txt:1)"


def test_groups_are_of_the_width_the_network_sees(tmp_path: Path) -> None:
    dataset = changed(crops(tmp_path, [10, 159, 500]), *UNCHANGED)
    assert dataset.groups().tolist() == [320 // GROUP_WIDTH, 320 // GROUP_WIDTH, 1000 // GROUP_WIDTH]


def test_a_training_batch_is_as_wide_as_its_widest_and_gives_texts_their_steps(tmp_path: Path) -> None:
    dataset = changed(crops(tmp_path, [40, 300]), *UNCHANGED)
    samples = [dataset.get(index, np.random.default_rng(0)) for index in range(2)]
    batch = collate(samples, PROCESSOR)
    assert batch["x"].shape == (2, 3, 48, 600) and batch["x"].dtype == np.float32
    assert batch["classes"].tolist() == [[1, 2], [1, 2]] and batch["lengths"].tolist() == [2, 2]
    assert not batch["x"][0, :, :, 80:].any() and batch["x"][0, :, :, :80].all()

    long = replace(samples[0], truth=[1] * 30)  # 59 steps, with the blanks between them
    assert steps_of(collate([long], PROCESSOR)["x"].shape[3]) >= 59


def test_evaluation_pads_to_the_widest_and_does_not_draw(tmp_path: Path) -> None:
    dataset = ImageDataset(crops(tmp_path, [40, 300]), PROCESSOR)
    rng = np.random.default_rng(0)
    samples = [dataset.get(index, rng) for index in range(2)]
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state
    assert pad_eval(samples)["x"].shape == (2, 3, 48, 600)
    assert samples[0].truth == "ab" and samples[0].context == (24, 40)
    assert dataset.groups() is None


def test_the_same_seed_changes_a_crop_in_the_same_way(tmp_path: Path) -> None:
    given = changed(crops(tmp_path, [200]), 0.1, 0.06, 0.3, 1.0, 1.0, 1.0, 1.0)
    dataset = pickle.loads(pickle.dumps(given))
    first, again, other = (dataset.get(0, np.random.default_rng(seed)).x for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)
    assert first.shape[0] == 48 and 360 <= first.shape[1] <= 440 and first.dtype == np.uint8
    assert first.mean() < 128, "an inverted crop is dark"


def test_a_crop_that_went_missing_is_told_with_its_line(tmp_path: Path) -> None:
    labels = crops(tmp_path, [100])
    labels[0].image.unlink()
    dataset = changed(labels, *UNCHANGED)
    assert dataset.groups().tolist() == [0]
    with pytest.raises(DataError, match=r"train\.txt:1"):
        dataset.get(0, np.random.default_rng(0))
