"""Strong views: what unlabelled images are learned from, changed beyond what is done to labelled ones.

Most changes leave in place what an image shows, so that what a model found in the view before them holds for the view
after them. After RandAugment (Cubuk et al., 2020) and Cutout (DeVries and Taylor, 2017), as FixMatch uses them (Sohn et
al., 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from plx_train.contract.dataset import Moment
from plx_train.vision.pixels import add_noise, compress_jpeg, defocus, jitter_colour
from plx_train.vision.samples import Change, LabelledImage, TimedChange
from plx_train.vision.warp import random_turn, shift, warp

NUM_CHANGES = 2
"""Changes of the pixels in each view."""
COLOUR = 0.6
BITS = (3, 6)
"""Levels that are left, as powers of two."""
DEGREES, SCALE = 20.0, (0.85, 1.18)
GREY = 128


@dataclass(frozen=True)
class Strength:
    """How far views are changed.

    Attributes:
        hole: longest side of the square that is covered, as a share of the image's; 0 for none.
        turns: whether the image is turned and scaled, which moves what it shows.
    """

    hole: float = 0.5
    turns: bool = False


def strengthened(image: np.ndarray, strength: Strength, rng: np.random.Generator) -> np.ndarray:
    """A strong view of a view uint8 (H, W, 3) BGR, of its size."""
    for number in rng.choice(len(CHANGES), NUM_CHANGES, replace=False):
        image = CHANGES[number](image, rng)
    if strength.turns:
        image = _turned(image, rng)
    if strength.hole > 0:
        image = _covered(image, strength.hole, rng)
    return image


def _turned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    x, y = (width - 1) / 2, (height - 1) / 2
    return warp(image, shift(x, y) @ random_turn(SCALE, DEGREES, 0.0, rng) @ shift(-x, -y), (height, width))


def _covered(image: np.ndarray, hole: float, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    side = int(min(height, width) * rng.uniform(0, hole))
    top, left = int(rng.integers(height)) - side // 2, int(rng.integers(width)) - side // 2
    image = image.copy()
    image[max(top, 0) : top + side, max(left, 0) : left + side] = GREY
    return image


def _coloured(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return jitter_colour(image, COLOUR, rng)


def _stretched(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each channel over all levels."""
    low, high = image.min(axis=(0, 1)).astype(np.float32), image.max(axis=(0, 1)).astype(np.float32)
    scale = 255 / np.maximum(high - low, 1)
    return np.asarray(cv2.convertScaleAbs((image - low) * scale))


def _equalised(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.stack([cv2.equalizeHist(np.ascontiguousarray(image[:, :, one])) for one in range(3)], axis=2)


def _of_few_levels(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kept = int(rng.integers(BITS[0], BITS[1]))
    return np.asarray(image & np.uint8(256 - 2 ** (8 - kept)))


def _inverted_above(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    limit = int(rng.integers(128, 256))
    return np.where(image >= limit, 255 - image, image)


def _sharpened(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    share = rng.uniform(0.3, 1.5)
    return np.asarray(cv2.addWeighted(image, 1 + share, cv2.GaussianBlur(image, (0, 0), 1.5), -share, 0))


def _as_it_is(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return image


CHANGES: tuple[Callable[[np.ndarray, np.random.Generator], np.ndarray], ...] = (
    *(_coloured, _coloured, _stretched, _equalised, _of_few_levels, _inverted_above, _sharpened),
    *(defocus, add_noise, compress_jpeg, _as_it_is),
)


@dataclass(frozen=True)
class _Strengthened(TimedChange[LabelledImage[Any]]):
    """What `change` makes, and stronger."""

    change: Change[LabelledImage[Any]]
    strength: Strength

    def at(self, moment: Moment) -> Change[LabelledImage[Any]]:
        """The same with the change for the samples of one batch."""
        return replace(self, change=self.change.at(moment)) if isinstance(self.change, TimedChange) else self


class StrongViews(_Strengthened):
    """Makes training samples of unlabelled images that a label was found for: as `change` does, then stronger."""

    def __call__(
        self,
        samples: Sequence[LabelledImage[Any]],
        index: int,
        read: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, Any]:
        """A strong view uint8 (height, width, 3) BGR, and what `change` makes of the truth."""
        image, truth = self.change(samples, index, read, rng)
        return strengthened(image, self.strength, rng), truth


class TwoViews(_Strengthened):
    """Makes two views of an unlabelled image: as `change` does, for a teacher, and stronger, for who learns from it."""

    def __call__(
        self,
        samples: Sequence[LabelledImage[Any]],
        index: int,
        read: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[tuple[np.ndarray, np.ndarray], None]:
        """Both views, uint8 (height, width, 3) BGR; what they show lies at the same places."""
        image, _ = self.change(samples, index, read, rng)
        return (image, strengthened(image, self.strength, rng)), None
