"""Random views of training images with the boxes in them.

Every draw comes from the sample's own generator, or, where a batch has it in common, from one that the batch seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from plx_train.contract.dataset import Moment
from plx_train.vision.box_options import BoxViewOptions
from plx_train.vision.mix import blend
from plx_train.vision.mosaic import drawn_centre, quarters
from plx_train.vision.objects import Objects, joined
from plx_train.vision.pixels import jitter_colour
from plx_train.vision.samples import LabelledImage, TimedChange

FILL = (124, 116, 104)
"""Colour of what lies around the image: the mean of photographs, BGR."""
MIN_SIDE = 2.0
"""Pixels; what gets smaller is not learned."""
MOST_CROPPED = 2.0
"""Factor by which a cropped part is enlarged at most."""
MOSAIC_SCALE = (0.5, 1.0)
"""Sizes of images in a mosaic against those in ordinary views."""
MIX_SHARES = 8.0
"""Both parameters of the beta distribution of mixup's shares: about half each."""
STRIDE = 32
SIZES = 1
"""Word that seeds the draw of a batch's size beside the batch's own."""

Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True)
class Images:
    """Labelled images by index: pixels uint8 (H, W, 3) BGR, and the objects that count."""

    samples: Sequence[LabelledImage[Objects]]
    read: Callable[[int], np.ndarray]

    def __getitem__(self, index: int) -> tuple[np.ndarray, Objects]:
        return self.read(index), self.samples[index].truth.counted

    def other(self, rng: np.random.Generator) -> int:
        """The number of any of them."""
        return int(rng.integers(len(self.samples)))


@dataclass(frozen=True)
class BoxViews(TimedChange[LabelledImage[Objects]]):
    """Makes training samples of images with objects.

    Attributes:
        options: what is changed.
        size: width and height of the network's input.
        mixes: whether several images may go into one view.
    """

    options: BoxViewOptions
    size: Size
    mixes: bool = True

    def at(self, moment: Moment) -> BoxViews:
        """The views of one batch, which are of one size."""
        size = drawn_size(self.size, self.options.multi_scale, moment)
        return replace(self, size=size, mixes=moment.progress < 1 - self.options.settle)

    def __call__(
        self,
        samples: Sequence[LabelledImage[Objects]],
        index: int,
        read: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, Objects]:
        """A changed image uint8 (height, width, 3) BGR, and the objects that are seen in it."""
        images = Images(samples, read)
        if self._takes(self.options.mosaic, rng):
            view, truth = self._mosaic(images, index, rng)
        else:
            view, truth = self._part(*images[index], self.size, 1.0, rng)
        if self._takes(self.options.mixup, rng):
            second, others = self._part(*images[images.other(rng)], self.size, 1.0, rng)
            view, truth = blend(view, second, float(rng.beta(MIX_SHARES, MIX_SHARES))), joined([truth, others])
        if self.options.colour:
            view = jitter_colour(view, self.options.colour, rng)
        return view, truth

    def _takes(self, share: float, rng: np.random.Generator) -> bool:
        return self.mixes and share > 0 and rng.random() < share

    def _mosaic(self, images: Images, index: int, rng: np.random.Generator) -> tuple[np.ndarray, Objects]:
        """Parts of four images, the one at `index` first, around a point that is drawn (arXiv 2004.10934)."""
        width, height = self.size
        view, found = np.empty((height, width, 3), np.uint8), []
        for left, top, right, bottom in quarters(self.size, drawn_centre(self.size, rng)):
            scale = math.exp(rng.uniform(*np.log(MOSAIC_SCALE)))
            part, truth = self._part(*images[index], (right - left, bottom - top), scale, rng)
            view[top:bottom, left:right] = part
            found.append(truth.shifted(left, top))
            index = images.other(rng)
        return view, joined(found)

    def _part(
        self, image: np.ndarray, truth: Objects, size: Size, scale: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, Objects]:
        """A view of `size`, in which the image is `scale` times as large as in ordinary ones."""
        shape = image.shape[0], image.shape[1]
        matrix = self._drawn(shape, truth, size, scale, rng)
        return seen(image, matrix, size), moved(truth, matrix, shape, size, self.options.min_visible)

    def _drawn(
        self, shape: tuple[int, int], truth: Objects, size: Size, scale: float, rng: np.random.Generator
    ) -> np.ndarray:
        """The matrix (2, 3) from the image's pixels to the view's: stretched, moved, and perhaps mirrored."""
        options, (width, height) = self.options, self.size
        scale *= math.exp(rng.uniform(*np.log(options.scale)))
        ratio = math.exp(rng.uniform(-1, 1) * math.log(options.aspect) / 2)
        kept = None
        if options.crop and len(truth) and rng.random() < options.crop:
            scale *= math.exp(rng.uniform(0, math.log(MOST_CROPPED)))
            kept = truth.boxes[rng.integers(len(truth))].astype(float)
        across, down = width / shape[1] * scale * ratio, height / shape[0] * scale / ratio
        left = _place(size[0], across * shape[1], None if kept is None else across * kept[::2], rng)
        top = _place(size[1], down * shape[0], None if kept is None else down * kept[1::2], rng)
        if options.flip and rng.random() < 0.5:
            return np.asarray([[-across, 0, size[0] - left], [0, down, top]], np.float64)
        return np.asarray([[across, 0, left], [0, down, top]], np.float64)


def _place(room: float, extent: float, kept: np.ndarray | None, rng: np.random.Generator) -> float:
    """Where an image of `extent` begins in a view of `room`: within it where it is smaller, else over all of it.

    Args:
        kept: first and last place in the image of what must be seen, where there is room for it.
    """
    low, high = min(room - extent, 0), max(room - extent, 0)
    if kept is not None and kept[1] - kept[0] <= room:
        low, high = max(low, -kept[0]), min(high, room - kept[1])
        # Boxes may stand out of their image.
        low, high = min(low, high), max(low, high)
    return float(rng.uniform(low, high))


def drawn_size(size: Size, scales: Sequence[float], moment: Moment) -> Size:
    """Width and height of a batch's views: `size` by a factor between both `scales`, in multiples of 32."""
    if scales[0] == scales[1] == 1:
        return size
    rng = np.random.default_rng([*moment.words, SIZES])
    factor = math.exp(rng.uniform(*np.log(scales)))
    width, height = (max(round(side * factor / STRIDE), 1) * STRIDE for side in size)
    return width, height


def seen(image: np.ndarray, matrix: np.ndarray, size: Size) -> np.ndarray:
    """The view; an image that is shrunk to less than half is averaged first, so that nothing falls through."""
    shrink = max(int(1 / max(abs(matrix[0, 0]), abs(matrix[1, 1]))), 1)
    if shrink > 1:
        small = max(image.shape[1] // shrink, 1), max(image.shape[0] // shrink, 1)
        factors = image.shape[1] / small[0], image.shape[0] / small[1]
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        matrix = matrix * np.asarray([[factors[0], 1, 1], [1, factors[1], 1]])
    return cv2.warpAffine(image, centred(matrix), size, None, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT, FILL)


def centred(matrix: np.ndarray) -> np.ndarray:
    """A matrix that maps edges of pixels onto edges, for OpenCV, which counts from their centres."""
    moved_matrix = matrix.copy()
    moved_matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    return moved_matrix


def moved(objects: Objects, matrix: np.ndarray, shape: tuple[int, int], size: Size, min_visible: float) -> Objects:
    """The objects seen in a view of `size`, cut at its borders and at those of the image.

    Args:
        matrix: (2, 3), without rotation.
        shape: height and width of the image, out of which boxes may stand.
        min_visible: share of a box that must be seen.
    """
    image = np.asarray([[0, 0, shape[1], shape[0]]])
    whole, (borders,) = _mapped(objects.boxes, matrix), _mapped(image, matrix)
    low, high = np.maximum(borders[:2], 0), np.minimum(borders[2:], size)
    boxes = np.clip(whole, np.tile(low, 2), np.tile(np.maximum(low, high), 2))
    sides = boxes[:, 2:] - boxes[:, :2]
    share = np.prod(sides, axis=1) / np.maximum(np.prod(whole[:, 2:] - whole[:, :2], axis=1), 1e-9)
    kept = (share >= min_visible) & (sides >= MIN_SIDE).all(axis=1)
    return Objects(boxes[kept].astype(np.float32), objects.classes[kept], objects.is_crowd[kept])


def _mapped(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    first = boxes[:, :2] * np.diag(matrix[:, :2]) + matrix[:, 2]
    second = boxes[:, 2:] * np.diag(matrix[:, :2]) + matrix[:, 2]
    return np.concatenate([np.minimum(first, second), np.maximum(first, second)], axis=1)
