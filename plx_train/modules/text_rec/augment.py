"""Training crops of text recognition: randomly changed, with their texts still readable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from plx_train.modules.text_rec.config import TextRecAugmentOptions
from plx_train.modules.text_rec.labels import LineLabel
from plx_train.modules.text_rec.processor import HEIGHT, MAX_WIDTH, TextRecProcessor
from plx_train.vision.pixels import NOISE_SIGMA, compress_jpeg, defocus, jitter_light, with_noise
from plx_train.vision.warp import random_corners, warp

JPEG_QUALITY = (25, 90)
MIN_WIDTH = 16


@dataclass(frozen=True)
class ChangedCrops:
    """Makes training samples of crops.

    Attributes:
        options: what is changed.
        processor: with the dictionary.
    """

    options: TextRecAugmentOptions
    processor: TextRecProcessor

    def __call__(
        self,
        samples: Sequence[LineLabel],
        index: int,
        read: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, list[int]]:
        """A crop uint8 (48, w, 3) BGR, and the classes of its text."""
        return self.change(read(index), rng), self.processor.encode(samples[index].truth)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A crop (48, w, 3) of one uint8 (H, W, 3) BGR, with every change by its strength or probability."""
        options, shape = self.options, (image.shape[0], image.shape[1])
        width = HEIGHT * shape[1] / shape[0] * float(rng.uniform(1 - options.stretch, 1 + options.stretch))
        size = (HEIGHT, int(np.clip(np.ceil(width), MIN_WIDTH, MAX_WIDTH)))
        if options.shift > 0:
            # What comes in from outside repeats the crop's border, which is paper most of the time.
            image = warp(image, random_corners(shape, options.shift, size, rng), size)
        else:
            image = cv2.resize(image, size[::-1])
        if options.colour > 0:
            image = jitter_light(image, options.colour, rng)
        if rng.random() < options.invert_probability:
            image = 255 - image
        if rng.random() < options.blur_probability:
            image = defocus(image, rng)
        if rng.random() < options.noise_probability:
            # Drawn before its strength: another order would be other crops.
            noise = rng.standard_normal(image.shape[:2], np.float32)
            image = with_noise(image, noise * np.float32(rng.uniform(*NOISE_SIGMA)))
        if rng.random() < options.jpeg_probability:
            image = compress_jpeg(image, rng, JPEG_QUALITY)
        return image
