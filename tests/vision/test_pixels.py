"""Random changes of pixels: small, repeatable, and never of the given image; images made of others."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from plx_train.vision.mix import blend, copy_paste, patch
from plx_train.vision.pixels import add_noise, blur, compress_jpeg, defocus, erase, jitter_colour, jitter_light

CHANGES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "blur": blur,
    "defocus": defocus,
    "noise": add_noise,
    "jpeg": compress_jpeg,
    "erase": erase,
    "light": lambda image, rng: jitter_light(image, 0.3, rng),
    "colour": lambda image, rng: jitter_colour(image, 0.3, rng),
}


def boxed(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> np.ndarray:
    image = np.zeros((*size, 3), np.uint8)
    for left, top, right, bottom in boxes:
        cv2.rectangle(image, (left, top), (right, bottom), (255, 255, 255), -1)
    return image


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_small_repeatable_and_leave_the_input(name: str) -> None:
    image = boxed((80, 100), (20, 20, 80, 50))
    before = image.copy()
    first, second = (CHANGES[name](image, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(image, before) and np.array_equal(first, second) and not np.array_equal(first, image)
    assert first.shape == image.shape and first.dtype == np.uint8
    assert np.abs(first.astype(int) - image).mean() < 90


def test_mixed_shares_are_those_of_the_pixels() -> None:
    black, white = np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)
    assert blend(white, black, 0.3).mean() / 255 == pytest.approx(0.3, abs=0.003)
    for seed in range(10):
        image, share = patch(white, black, 0.6, np.random.default_rng(seed))
        assert image.mean() / 255 == pytest.approx(share)
        assert share >= 0.6


def test_copy_paste_adds_objects_where_none_was() -> None:
    polygon = np.asarray([[10, 10], [50, 10], [50, 20], [10, 20]], np.float32)
    image = boxed((200, 200), (10, 10, 50, 20))
    pasted, more, ignore = copy_paste(image, [polygon], np.zeros(1, bool), np.random.default_rng(0))
    assert len(more) == len(ignore) > 1
    assert (pasted > 0).sum() == pytest.approx(len(more) * (image > 0).sum(), rel=0.1)
    assert not image[60:].any()
    same, kept, _ = copy_paste(image, [polygon], np.ones(1, bool), np.random.default_rng(0))
    assert np.array_equal(same, image) and len(kept) == 1, "what counts neither way is not copied"
