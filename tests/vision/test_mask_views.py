"""Views of training images: masks follow their image, and rare classes are seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plx_train.ground.errors import DataError
from plx_train.vision.labels.masks import Mask, MaskedImage
from plx_train.vision.mask_options import MaskViewOptions
from plx_train.vision.mask_views import MaskViews
from plx_train.vision.masks import UNCOUNTED

PLAIN = MaskViewOptions([1.0, 1.0], 1.0, 0.0, False, False, False, 0.0, 0.0)
SQUARE = ((10, 20), (29, 20), (29, 39), (10, 39))


def view_of(
    options: MaskViewOptions, mask: Mask, seed: int = 0, is_whole: bool = True, shape: tuple[int, int] = (64, 64)
) -> tuple[np.ndarray, np.ndarray]:
    """A view of an image that is white where the mask is 1."""
    image = np.repeat(((mask.of(shape) == 1) * 255).astype(np.uint8)[..., None], 3, axis=2)
    sample = MaskedImage(Path("a.png"), mask, "train.txt:1")
    return MaskViews(options, (64, 64), is_whole)([sample], 0, lambda _: image, np.random.default_rng(seed))


def test_nothing_changes_where_nothing_is_asked() -> None:
    mask = Mask(outlines=((1, SQUARE),))
    view, target = view_of(PLAIN, mask)
    assert np.array_equal(target, mask.of((64, 64))) and np.array_equal(view[..., 0] > 127, target == 1)


@pytest.mark.parametrize("seed", range(8))
def test_masks_follow_their_image(seed: int) -> None:
    options = replace(PLAIN, scale=[0.5, 2.0], aspect=1.3, flip=True, flip_vertical=True, turn=True)
    view, target = view_of(options, Mask(outlines=((1, SQUARE),)), seed)
    inside = target != UNCOUNTED
    # Edges are shared by neighbours in an image, and are of one class in a mask.
    assert ((view[..., 1] > 127) != (target == 1))[inside].mean() < 0.02
    assert (target == 1).any() or seed


def test_what_lies_around_the_image_does_not_count() -> None:
    _, target = view_of(replace(PLAIN, scale=[0.5, 0.5]), Mask())
    assert (target == UNCOUNTED).mean() == pytest.approx(0.75, abs=0.03)


def test_rare_classes_are_seen() -> None:
    mask = Mask(outlines=((1, ((300, 410), (302, 410), (302, 412), (300, 412))),))
    options = replace(PLAIN, rare=1.0)
    seen = [(view_of(options, mask, seed, False, (500, 500))[1] == 1).any() for seed in range(30)]
    by_chance = [(view_of(PLAIN, mask, seed, False, (500, 500))[1] == 1).any() for seed in range(30)]
    assert sum(seen) >= 10 > sum(by_chance)


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"train\.txt:1.*differ in size"):
        sample = MaskedImage(Path("a.png"), Mask(tmp_path / "a.png"), "train.txt:1")
        image = np.zeros((64, 64, 3), np.uint8)
        MaskViews(PLAIN, (64, 64), True)([sample], 0, lambda _: image, np.random.default_rng(0))
