"""One matrix: an image, and what is marked on it, land on the same place."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from plx_train.vision.warp import Outlines, corners_of, pixel_scaling, random_turn, scaling, shift, transform, warp


def test_an_unchanged_crop_is_what_evaluation_sees() -> None:
    page = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8), (0, 0), 2)
    warped = warp(page, pixel_scaling((90, 120), (64, 96)), (64, 96), (0, 0, 0))
    seen = cv2.resize(page, (96, 64))
    assert np.abs(warped[2:-2, 2:-2].astype(int) - seen[2:-2, 2:-2]).max() <= 3
    assert np.allclose(transform(np.asarray([[120.0, 90.0]]), scaling((90, 120), (64, 96))), [[96, 64]])


@pytest.mark.parametrize("seed", range(4))
def test_a_box_and_a_mask_stay_on_their_object(seed: int) -> None:
    matrix = shift(60, 60) @ random_turn((0.9, 1.4), 30.0, 0.5, np.random.default_rng(seed)) @ shift(-50, -40)
    mask = np.zeros((80, 100), np.uint8)
    mask[20:50, 30:80] = 7
    box = Outlines.of([np.asarray([[30, 20], [80, 20], [80, 50], [30, 50]], np.float32)])
    found = warp(mask, shift(-0.5, -0.5) @ matrix @ shift(0.5, 0.5), (120, 120), (0,), cv2.INTER_NEAREST)
    assert set(np.unique(found)) == {0, 7}, "numbers of a mask are never mixed"
    (low,), (high,) = box.mapped(matrix).bounds()
    rows, columns = np.nonzero(found)
    assert np.allclose([columns.min(), rows.min()], low, atol=1.5)
    assert np.allclose([columns.max() + 1, rows.max() + 1], high, atol=1.5)


def test_the_border_is_repeated_where_no_colour_is_given() -> None:
    image = np.full((4, 4, 3), 9, np.uint8)
    assert (warp(image, shift(2, 0), (4, 4)) == 9).all()
    assert (warp(image, shift(2, 0), (4, 4), (1, 2, 3))[:, 0] == (1, 2, 3)).all()
    assert corners_of((2, 3)).tolist() == [[0, 0], [3, 0], [3, 2], [0, 2]]
