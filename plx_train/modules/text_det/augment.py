"""Random training crops: every change a small function, geometry done in a single resampling.

A crop is taken from the page *as evaluation sees it*: `page_to_input` first scales the page to the
processor's input size, then the random scale, rotation and mirroring come, all folded into one matrix. Like
evaluation's own resize it is bilinear without a low-pass filter, so text looks in training as it will later,
aliasing included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from plx_train.modules.text_det.photometric import change_pixels
from plx_train.vision.polygons import areas_and_perimeters, clip_to_strip, strip_height

NUM_CROP_TRIES = 4
"""Places looked at for a crop; the one that cuts the smallest share of its texts is taken."""
BORDER_TOLERANCE = 1.0
"""A text may stick out of the crop by this many pixels and still be whole."""
TEXT_CENTRED_SHARE = 0.9
"""Share of crops placed around a text; the others lie anywhere on the page."""
NUM_PASTED = 3
PAPER_STEP = 16
"""Every 16th pixel, both ways, is looked at for the colour of a page."""


@dataclass(frozen=True)
class Crop:
    """A training crop: image uint8 (S, S, 3) BGR, polygons float32 (P, 2) in its pixels, ignore bool (N,)."""

    image: np.ndarray
    polygons: list[np.ndarray]
    ignore: np.ndarray


@dataclass(frozen=True)
class Outlines:
    """Polygons one after the other, so that all corners are mapped at once.

    Attributes:
        points: float32 (T, 2), the corners of all polygons.
        starts: int64 (N,), where each polygon begins in `points`.
    """

    points: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, polygons: Sequence[np.ndarray]) -> Outlines:
        """From polygons (P, 2)."""
        counts = np.asarray([0, *(len(polygon) for polygon in polygons)], np.int64)
        points = np.concatenate([np.zeros((0, 2), np.float32), *polygons])
        return cls(points, np.cumsum(counts)[:-1])

    def mapped(self, matrix: np.ndarray) -> Outlines:
        """The polygons under a matrix (3, 3)."""
        return Outlines(transform(self.points, matrix), self.starts)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> np.ndarray:
        end = self.starts[index + 1] if index + 1 < len(self.starts) else len(self.points)
        return self.points[self.starts[index] : end]

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest x, y of each polygon, float32 (N, 2) each."""
        if len(self.starts) == 0:
            return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
        return np.minimum.reduceat(self.points, self.starts), np.maximum.reduceat(self.points, self.starts)


@dataclass(frozen=True)
class TextDetAugment:
    """Random changes of training crops.

    Attributes:
        crop_size: height and width in pixels.
        scale: range of the text's scale, relative to that at evaluation; drawn evenly in the logarithm.
        rotate_degrees: rotation is drawn from -x to x.
        flip_probability: of mirroring left to right, which makes text unreadable.
        perspective: how far corners move at most, as a share of the crop's sides; 0 for none.
        colour: strength of changes in brightness, contrast and saturation, 0 to 1.
        blur_probability, noise_probability, jpeg_probability: of each change.
        copy_paste_probability: of copying a few texts of the crop to free places in it.
        min_cut_length: a text cut across by the crop's border stays a text while this many of its heights are
            to be seen, and is ignored below; infinity ignores every cut text.
    """

    crop_size: tuple[int, int]
    scale: tuple[float, float]
    rotate_degrees: float
    flip_probability: float
    perspective: float
    colour: float
    blur_probability: float
    noise_probability: float
    jpeg_probability: float
    copy_paste_probability: float
    min_cut_length: float

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
        to_input = page_to_input(image.shape[:2], input_size)
        turn = random_turn(self.scale, self.rotate_degrees, self.flip_probability, rng)
        outlines = Outlines.of(polygons)
        bounds = page_bounds(input_size, turn)
        corner = place_crop(outlines.mapped(turn @ to_input), ignore, bounds, self.crop_size, rng)
        placed = move(*-corner) @ turn
        if self.perspective > 0:
            placed = random_perspective(self.crop_size, self.perspective, rng) @ placed
        pixels = warp(image, placed @ page_to_input_pixels(image.shape[:2], input_size), self.crop_size)
        inside, inside_ignore = cut_to_crop(
            outlines.mapped(placed @ to_input), ignore, self.crop_size, self.min_cut_length
        )
        if rng.random() < self.copy_paste_probability:
            pixels, inside, inside_ignore = copy_paste(pixels, inside, inside_ignore, rng)
        pixels = change_pixels(
            pixels, self.colour, self.blur_probability, self.noise_probability, self.jpeg_probability, rng
        )
        return Crop(pixels, inside, inside_ignore)


def page_to_input(shape: tuple[int, int], input_size: tuple[int, int]) -> np.ndarray:
    """Matrix float64 (3, 3) for *coordinates*, from a page of `shape` to evaluation's input: a plain scaling.

    Post-processing maps boxes back by the inverse of exactly this.
    """
    return np.diag([input_size[1] / shape[1], input_size[0] / shape[0], 1.0])


def page_to_input_pixels(shape: tuple[int, int], input_size: tuple[int, int]) -> np.ndarray:
    """As `page_to_input`, but for the centres of *pixels*, half a pixel in, as ``cv2.resize`` does."""
    return move(-0.5, -0.5) @ page_to_input(shape, input_size) @ move(0.5, 0.5)


def random_turn(
    scale: tuple[float, float], rotate_degrees: float, flip_probability: float, rng: np.random.Generator
) -> np.ndarray:
    """A random scaling, rotation and mirroring about the origin, float64 (3, 3)."""
    factor = float(np.exp(rng.uniform(np.log(scale[0]), np.log(scale[1]))))
    angle = np.deg2rad(rng.uniform(-rotate_degrees, rotate_degrees))
    cosine, sine = factor * np.cos(angle), factor * np.sin(angle)
    mirror = -1.0 if rng.random() < flip_probability else 1.0
    return np.asarray([[mirror * cosine, -sine, 0.0], [mirror * sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def random_perspective(size: tuple[int, int], strength: float, rng: np.random.Generator) -> np.ndarray:
    """A random perspective, (3, 3): corners of a crop of `size` (height, width) move by up to `strength` of it."""
    height, width = size
    corners = np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + (rng.uniform(-strength, strength, (4, 2)) * (width, height)).astype(np.float32)
    return cv2.getPerspectiveTransform(corners, moved)


def move(x: float, y: float) -> np.ndarray:
    """Translation by x, y as a matrix float64 (3, 3)."""
    return np.asarray([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def transform(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (P, 2) mapped by a matrix (3, 3), float32 (P, 2)."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return (mapped[:, :2] / mapped[:, 2:]).astype(np.float32)


def page_bounds(input_size: tuple[int, int], matrix: np.ndarray) -> np.ndarray:
    """Lowest and highest x, y of a page of `input_size` mapped by `matrix`, float32 (2, 2)."""
    height, width = input_size
    corners = transform(np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float32), matrix)
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


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


def warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`image` (H, W, 3) mapped bilinearly to a crop of `size` (height, width); around it is the page's colour."""
    paper = np.median(image[::PAPER_STEP, ::PAPER_STEP].reshape(-1, 3), axis=0).tolist()
    if matrix[2, 0] == 0 and matrix[2, 1] == 0:
        return cv2.warpAffine(image, matrix[:2], size[::-1], flags=cv2.INTER_LINEAR, borderValue=paper)
    return cv2.warpPerspective(image, matrix, size[::-1], flags=cv2.INTER_LINEAR, borderValue=paper)


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


def copy_paste(
    image: np.ndarray, polygons: list[np.ndarray], ignore: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Copies up to three whole texts, with the rectangle of pixels around each, to places free of text."""
    height, width = image.shape[:2]
    image = image.copy()
    taken = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(taken, [np.rint(polygon).astype(np.int32)], 1)
    pasted: list[np.ndarray] = []
    whole = [points for points, out in zip(polygons, ignore, strict=True) if not out]
    for _ in range(NUM_PASTED if whole else 0):
        polygon = whole[rng.integers(len(whole))]
        low, high = (
            np.floor(polygon.min(axis=0)).astype(int) - 1,
            np.ceil(polygon.max(axis=0)).astype(int) + 2,
        )
        if (low < 0).any() or high[0] > width or high[1] > height:
            continue
        size = high - low
        x, y = (int(rng.integers(0, room + 1)) for room in (width - size[0], height - size[1]))
        if taken[y : y + size[1], x : x + size[0]].any():
            continue
        image[y : y + size[1], x : x + size[0]] = image[low[1] : high[1], low[0] : high[0]]
        taken[y : y + size[1], x : x + size[0]] = 1
        pasted.append((polygon + (np.asarray([x, y]) - low)).astype(np.float32))
    return image, polygons + pasted, np.concatenate([ignore, np.zeros(len(pasted), bool)])
