"""Random views of training images with the classes of their pixels; draws come from the sample's own generator."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from plx_train.ground.errors import DataError
from plx_train.vision.box_views import centred, seen
from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.labels.masks import Mask
from plx_train.vision.mask_options import MaskViewOptions
from plx_train.vision.masks import UNCOUNTED
from plx_train.vision.pixels import blur, jitter_colour
from plx_train.vision.samples import LabelledImage


@dataclass(frozen=True)
class MaskViews:
    """Makes training samples of images with the class of each pixel.

    Attributes:
        options: what is changed.
        size: width and height of the network's input.
        is_whole: images are brought to that size in evaluation; else they are seen at their own, part by part.
    """

    options: MaskViewOptions
    size: tuple[int, int]
    is_whole: bool

    def __call__(
        self,
        samples: Sequence[LabelledImage[Mask]],
        index: int,
        read: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """A changed image uint8 (height, width, 3) BGR and its classes uint8 (height, width)."""
        image = read(index)
        mask = _read(samples[index], image)
        image, mask = self._turned(image, mask, rng)
        matrix = self._drawn(mask, rng)
        view = seen(image, matrix, self.size)
        target = cv2.warpAffine(
            mask, centred(matrix), self.size, None, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT, UNCOUNTED
        )  # fmt: skip
        if self.options.blur and rng.random() < self.options.blur:
            view = blur(view, rng)
        if self.options.colour:
            view = jitter_colour(view, self.options.colour, rng)
        return np.ascontiguousarray(view), target

    def _turned(self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if self.options.flip_vertical and rng.random() < 0.5:
            image, mask = image[::-1], mask[::-1]
        if self.options.turn and rng.random() < 0.5:
            image, mask = image.transpose(1, 0, 2), mask.T
        return np.ascontiguousarray(image), np.ascontiguousarray(mask)

    def _drawn(self, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The matrix (2, 3) from the image's pixels to the view's: stretched, moved, and perhaps mirrored."""
        options, (width, height) = self.options, self.size
        scale = math.exp(rng.uniform(*np.log(options.scale)))
        ratio = math.exp(rng.uniform(-1, 1) * math.log(options.aspect) / 2)
        across, down = scale * ratio, scale / ratio
        if self.is_whole:
            across, down = across * width / mask.shape[1], down * height / mask.shape[0]
        point = _drawn_point(mask, rng) if options.rare and rng.random() < options.rare else None
        left = _place(width, across * mask.shape[1], None if point is None else across * point[0], rng)
        top = _place(height, down * mask.shape[0], None if point is None else down * point[1], rng)
        if options.flip and rng.random() < 0.5:
            return np.asarray([[-across, 0, width - left], [0, down, top]], np.float64)
        return np.asarray([[across, 0, left], [0, down, top]], np.float64)


def _read(sample: LabelledImage[Mask], image: np.ndarray) -> np.ndarray:
    """The classes of the image's pixels.

    Raises:
        DataError: they can't be read, or are of an image of another size.
    """
    try:
        mask = sample.truth.of((image.shape[0], image.shape[1]))
    except ImageError as error:
        raise DataError(f"{sample.where}: {error}") from None
    if mask.shape != image.shape[:2]:
        raise DataError(f"{sample.where}: {sample.image}: image and mask differ in size")
    return mask


def _drawn_point(mask: np.ndarray, rng: np.random.Generator) -> tuple[float, float] | None:
    """x, y of a pixel of a class, of which each that is there is as likely as the others; None: there is none."""
    there = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[:UNCOUNTED])
    if not len(there):
        return None
    places = np.flatnonzero(mask == there[rng.integers(len(there))])
    row, column = divmod(int(places[rng.integers(len(places))]), mask.shape[1])
    return column + 0.5, row + 0.5


def _place(room: float, extent: float, kept: float | None, rng: np.random.Generator) -> float:
    """Where an image of `extent` begins in a view of `room`: within it where it is smaller, else over all of it.

    Args:
        kept: a place in the image that must be seen.
    """
    low, high = min(room - extent, 0), max(room - extent, 0)
    if kept is not None:
        low, high = max(low, -kept), min(high, room - kept)
        low, high = min(low, high), max(low, high)
    return float(rng.uniform(low, high))
