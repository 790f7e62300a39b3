"""Random views of training images with the boxes in them; every draw comes from the sample's own generator."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from plx_train.vision.objects import Objects
from plx_train.vision.pixels import jitter_colour
from plx_train.vision.samples import LabelledImage

FILL = (124, 116, 104)
"""Colour of what lies around the image: the mean of photographs, BGR."""
MIN_SIDE = 2.0
"""Pixels; what gets smaller is not learned."""


class Changes(Protocol):
    """What is drawn; see the options of the rooms."""

    scale: list[float]
    aspect: float
    flip: bool
    colour: float
    min_visible: float


@dataclass(frozen=True)
class BoxViews:
    """Makes training samples of images with objects.

    Attributes:
        options: what is changed.
        size: width and height of the network's input.
    """

    options: Changes
    size: tuple[int, int]

    def __call__(
        self,
        samples: Sequence[LabelledImage[Objects]],
        index: int,
        read: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, Objects]:
        """A changed image uint8 (height, width, 3) BGR, and the objects that are seen in it."""
        image, truth = read(index), samples[index].truth.counted
        matrix = self._drawn((image.shape[0], image.shape[1]), rng)
        view = self._seen(image, matrix)
        if self.options.colour:
            view = jitter_colour(view, self.options.colour, rng)
        return view, moved(truth, matrix, self.size, self.options.min_visible)

    def _drawn(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """The matrix (2, 3) from the image's pixels to the view's: stretched, moved, and perhaps mirrored."""
        options, (width, height) = self.options, self.size
        size = math.exp(rng.uniform(*np.log(options.scale)))
        ratio = math.exp(rng.uniform(-1, 1) * math.log(options.aspect) / 2)
        across, down = width / shape[1] * size * ratio, height / shape[0] * size / ratio
        left, top = (_place(side, rng) for side in (width - across * shape[1], height - down * shape[0]))
        if options.flip and rng.random() < 0.5:
            return np.asarray([[-across, 0, width - left], [0, down, top]], np.float64)
        return np.asarray([[across, 0, left], [0, down, top]], np.float64)

    def _seen(self, image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """The view; an image that is shrunk to less than half is averaged first, so that nothing falls through."""
        shrink = max(int(1 / max(abs(matrix[0, 0]), abs(matrix[1, 1]))), 1)
        if shrink > 1:
            size = max(image.shape[1] // shrink, 1), max(image.shape[0] // shrink, 1)
            factors = image.shape[1] / size[0], image.shape[0] / size[1]
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            matrix = matrix * np.asarray([[factors[0], 1, 1], [1, factors[1], 1]])
        # Edges of pixels are mapped onto edges; OpenCV counts from their centres.
        centred = matrix.copy()
        centred[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
        return cv2.warpAffine(image, centred, self.size, None, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT, FILL)


def _place(free: float, rng: np.random.Generator) -> float:
    """Where an image begins that is smaller than the view by `free`, or larger where that is below 0."""
    return float(rng.uniform(min(free, 0), max(free, 0)))


def moved(objects: Objects, matrix: np.ndarray, size: tuple[int, int], min_visible: float) -> Objects:
    """The objects seen in a view of `size` (width, height), cut at its borders.

    Args:
        matrix: (2, 3), without rotation.
        min_visible: share of a box that must be seen.
    """
    low = objects.boxes[:, :2] * np.diag(matrix[:, :2]) + matrix[:, 2]
    high = objects.boxes[:, 2:] * np.diag(matrix[:, :2]) + matrix[:, 2]
    whole = np.concatenate([np.minimum(low, high), np.maximum(low, high)], axis=1)
    boxes = np.clip(whole, 0, np.asarray([*size, *size]))
    sides = boxes[:, 2:] - boxes[:, :2]
    share = np.prod(sides, axis=1) / np.maximum(np.prod(whole[:, 2:] - whole[:, :2], axis=1), 1e-9)
    seen = (share >= min_visible) & (sides >= MIN_SIDE).all(axis=1)
    return Objects(boxes[seen].astype(np.float32), objects.classes[seen], objects.is_crowd[seen])
