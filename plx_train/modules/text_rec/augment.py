"""Random changes of a training crop; its text stays readable."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

NOISE_SIGMA = (2.0, 12.0)
"""Range of the noise's standard deviation, of 255."""
JPEG_QUALITY = (25, 90)
BLUR_SIGMA = (0.4, 1.2)
"""Pixels at a height of 48."""


@dataclass(frozen=True)
class TextRecAugment:
    """Random changes of training crops.

    Attributes:
        stretch: widths change by up to this share.
        shift: how far the crop's corners move, as a share of its height.
        colour: strength of brightness and contrast changes, 0 to 1.
        blur_probability, noise_probability, jpeg_probability, invert_probability: of each change.
    """

    stretch: float = 0.0
    shift: float = 0.0
    colour: float = 0.0
    blur_probability: float = 0.0
    noise_probability: float = 0.0
    jpeg_probability: float = 0.0
    invert_probability: float = 0.0

    def draw_stretch(self, rng: np.random.Generator) -> float:
        """A factor for the width."""
        return float(rng.uniform(1 - self.stretch, 1 + self.stretch))

    def change(self, image: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """From a crop uint8 (H, W, 3) BGR one of `size` (height, width), with every change by its probability."""
        image = move_corners(image, self.shift, size, rng) if self.shift > 0 else cv2.resize(image, size[::-1])
        if self.colour > 0:
            image = jitter_light(image, self.colour, rng)
        if rng.random() < self.invert_probability:
            image = 255 - image
        if rng.random() < self.blur_probability:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(*BLUR_SIGMA))
        if rng.random() < self.noise_probability:
            image = add_noise(image, rng)
        if rng.random() < self.jpeg_probability:
            encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*JPEG_QUALITY))])[1]
            image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        return image


def move_corners(image: np.ndarray, share: float, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """`image` in `size` (height, width), its corners moved by up to `share` of its height each.

    What comes in from outside repeats the crop's border, which is paper most of the time.
    """
    height, width = image.shape[:2]
    corners = np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    moved = corners + rng.uniform(-share, share, (4, 2)).astype(np.float32) * height
    target = np.asarray([[0, 0], [size[1], 0], [size[1], size[0]], [0, size[0]]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(moved, target)
    return cv2.warpPerspective(image, matrix, size[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def jitter_light(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness and contrast changed by up to `strength` (0 to 1)."""
    brightness, contrast = rng.uniform(-strength, strength, 2)
    # Brightness moves by half the range at most: with white paper, more would wash the text out.
    levels = (np.arange(256) - 128) * (1 + contrast) + 128 * (1 + brightness)
    return cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey noise of a sensor, the same in all channels."""
    noise = rng.standard_normal(image.shape[:2], np.float32) * np.float32(rng.uniform(*NOISE_SIGMA))
    return cv2.add(image, cv2.cvtColor(noise, cv2.COLOR_GRAY2BGR), dtype=cv2.CV_8U)
