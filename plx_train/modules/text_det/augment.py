"""Random training crops: every change a small function, geometry done in a single resampling.

A crop is taken from the page *as evaluation sees it*: the page is first scaled to the processor's input size,
then the random scale, rotation and mirroring come, all folded into one matrix. Like evaluation's own resize it is
bilinear without a low-pass filter, so text looks in training as it will later, aliasing included; post-processing
maps boxes back by the inverse of exactly that scaling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.modules.text_det.config import TextDetAugmentOptions
from plx_train.vision.mix import copy_paste
from plx_train.vision.pixels import add_noise, blur, compress_jpeg, jitter_colour
from plx_train.vision.polygons import areas_and_perimeters, clip_to_strip, strip_height
from plx_train.vision.warp import (
    Outlines,
    corners_of,
    pixel_scaling,
    random_perspective,
    random_turn,
    scaling,
    shift,
    warp,
)

NUM_CROP_TRIES = 4
"""Places looked at for a crop; the one that cuts the smallest share of its texts is taken."""
BORDER_TOLERANCE = 1.0
"""A text may stick out of the crop by this many pixels and still be whole."""
TEXT_CENTRED_SHARE = 0.9
"""Share of crops placed around a text; the others lie anywhere on the page."""
PAPER_STEP = 16
"""Every 16th pixel, both ways, is looked at for the colour of a page."""


@dataclass(frozen=True)
class Crop:
    """A training crop: image uint8 (S, S, 3) BGR, polygons float32 (P, 2) in its pixels, ignore bool (N,)."""

    image: np.ndarray
    polygons: list[np.ndarray]
    ignore: np.ndarray


@dataclass(frozen=True)
class TextDetAugment:
    """Random changes of training crops.

    Attributes:
        options: what is changed.
        size: height and width of crops in pixels.
    """

    options: TextDetAugmentOptions
    size: tuple[int, int]

    def crop(
        self,
        image: np.ndarray,
        polygons: Sequence[np.ndarray],
        ignore: np.ndarray,
        input_size: tuple[int, int],
        rng: np.random.Generator,
    ) -> Crop:
        """A random crop of a page.

        Args:
            image: the page, uint8 (H, W, 3) BGR.
            polygons: float32 (P, 2) each, pixels of the page.
            ignore: bool (N,).
            input_size: height and width at which evaluation sees the page.
            rng: source of every random choice.
        """
        options, shape = self.options, (image.shape[0], image.shape[1])
        to_input = scaling(shape, input_size)
        turn = random_turn(options.scale, options.rotate_degrees, options.flip_probability, rng)
        outlines = Outlines.of(polygons)
        bounds = np.concatenate(Outlines.of([corners_of(input_size)]).mapped(turn).bounds())
        corner = place_crop(outlines.mapped(turn @ to_input), ignore, bounds, self.size, rng)
        placed = shift(*-corner) @ turn
        if options.perspective > 0:
            placed = random_perspective(self.size, options.perspective, rng) @ placed
        paper = np.median(image[::PAPER_STEP, ::PAPER_STEP].reshape(-1, 3), axis=0).tolist()
        pixels = warp(image, placed @ pixel_scaling(shape, input_size), self.size, paper)
        seen = outlines.mapped(placed @ to_input)
        inside, inside_ignore = cut_to_crop(seen, ignore, self.size, options.min_cut_length)
        if rng.random() < options.copy_paste_probability:
            pixels, inside, inside_ignore = copy_paste(pixels, inside, inside_ignore, rng)
        return Crop(self._changed(pixels, rng), inside, inside_ignore)

    def _changed(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """`image` with each change of its pixels, by its strength or probability."""
        options = self.options
        if options.colour > 0:
            image = jitter_colour(image, options.colour, rng)
        for probability, change in (
            (options.blur_probability, blur),
            (options.noise_probability, add_noise),
            (options.jpeg_probability, compress_jpeg),
        ):
            if rng.random() < probability:
                image = change(image, rng)
        return image


def place_crop(
    outlines: Outlines, ignore: np.ndarray, bounds: np.ndarray, size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Where to crop, as the x, y of the crop's top left corner.

    Args:
        outlines: N polygons.
        ignore: bool (N,); crops are placed around the others.
        bounds: lowest and highest x, y of the page, (2, 2); the crop stays inside where there is room.
        size: height and width of the crop, pixels.
    """
    side = np.asarray(size[::-1], float)
    wanted = np.flatnonzero(~np.asarray(ignore, bool))
    lowest, highest = np.minimum(bounds[0], bounds[1] - side), np.maximum(bounds[0], bounds[1] - side)
    corners = rng.uniform(lowest, highest, (NUM_CROP_TRIES, 2))
    if len(wanted) == 0:
        return corners[0]
    low, high = outlines.bounds()
    if rng.random() < TEXT_CENTRED_SHARE:
        chosen = rng.choice(wanted, NUM_CROP_TRIES)
        # A spot on the text, anywhere in the crop: texts longer than the crop are seen in all their parts.
        spots = rng.uniform(low[chosen], high[chosen])
        corners = np.clip(spots - rng.uniform(0.1, 0.9, spots.shape) * side, lowest, highest)
    start, end = corners[:, None], corners[:, None] + side
    is_touched = np.all((low < end) & (high > start), axis=2)
    is_whole = np.all((low >= start - BORDER_TOLERANCE) & (high <= end + BORDER_TOLERANCE), axis=2)
    cut_share = (is_touched & ~is_whole).sum(axis=1) / np.maximum(is_touched.sum(axis=1), 1)
    is_empty = ~is_touched[:, wanted].any(axis=1)
    return corners[np.argmin(cut_share + is_empty)]


def cut_to_crop(
    outlines: Outlines, ignore: np.ndarray, size: tuple[int, int], min_cut_length: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """The polygons of a crop of `size` (height, width); those outside are dropped, those cut too short are ignored.

    Polygons keep their full outline, so their kernels are those of the whole text.
    """
    side = np.asarray(size[::-1], float)
    low, high = outlines.bounds()
    is_touched = ((low < side) & (high > 0)).all(axis=1)
    is_whole = ((low >= -BORDER_TOLERANCE) & (high <= side + BORDER_TOLERANCE)).all(axis=1)
    kept = np.flatnonzero(is_touched).tolist()
    is_ignored = np.array(ignore, bool)
    cut = np.flatnonzero(is_touched & ~is_whole & ~is_ignored).tolist()
    heights = strip_height(*areas_and_perimeters([outlines[index] for index in cut]))
    for index, height in zip(cut, heights.tolist(), strict=True):
        is_ignored[index] = not is_cut_across(outlines[index], size, min_cut_length * height)
    return [outlines[index] for index in kept], is_ignored[kept]


def is_cut_across(polygon: np.ndarray, size: tuple[int, int], min_length: float) -> bool:
    """Whether a crop of `size` (height, width) shows a text (P, 2) in full height, and `min_length` pixels of it."""
    extent = np.ptp(polygon, axis=0)
    along = int(extent[1] > extent[0])  # 0 for text that runs to the right, 1 for text that runs down
    seen = clip_to_strip(polygon, along, 0.0, float(size[1 - along]))
    if len(seen) < 3 or np.ptp(seen[:, along]) < min_length:
        return False
    across = seen[:, 1 - along]
    return bool(across.min() >= -BORDER_TOLERANCE and across.max() <= size[along] + BORDER_TOLERANCE)
