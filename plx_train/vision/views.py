"""Random views of training images; every draw comes from the sample's own generator."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from plx_train.vision.classifier_options import ViewOptions
from plx_train.vision.mix import blend, patch
from plx_train.vision.pixels import erase
from plx_train.vision.samples import LabelledImage
from plx_train.vision.whole_image import WholeImageProcessor

ATTEMPTS = 10


@dataclass(frozen=True)
class Views:
    """Makes training samples of whole images: changed, with the share of each class in them.

    Attributes:
        options: what is changed.
        target: the truth as float32 (classes,).
    """

    options: ViewOptions
    processor: WholeImageProcessor
    target: Callable[[Any], np.ndarray]

    def __call__(
        self,
        samples: Sequence[LabelledImage[Any]],
        index: int,
        read: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """A changed image uint8 (height, width, 3) BGR, and its target."""
        image, target = self.change(read(index), rng), self.target(samples[index].truth)
        if not self.mixes:
            return image, target
        other = int(rng.integers(len(samples)))
        image, share = self.mix(image, self.change(read(other), rng), rng)
        return image, target * np.float32(share) + self.target(samples[other].truth) * np.float32(1 - share)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A changed image at the network's size, uint8 (height, width, 3), from one (H, W, 3)."""
        image = self._cut(image, rng)
        if self.options.flip and rng.random() < 0.5:
            image = cv2.flip(image, 1)
        if self.options.shift:
            image = self._shifted(image, rng)
        if self.options.colour:
            image = self._coloured(image, rng)
        if self.options.erase_probability and rng.random() < self.options.erase_probability:
            image = erase(image, rng)
        return np.ascontiguousarray(image)

    def _cut(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        processor = self.processor
        smallest, largest = self.options.crop
        if smallest == largest == 1:
            return processor.fit(image)
        height, width = image.shape[:2]
        target = processor.size[0] / processor.size[1] if processor.resize_short else width / height
        for _ in range(ATTEMPTS):
            area = height * width * rng.uniform(smallest, largest)
            ratio = target * math.exp(rng.uniform(-1, 1) * math.log(self.options.aspect))
            columns, rows = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < columns <= width and 0 < rows <= height:
                left, top = int(rng.integers(width - columns + 1)), int(rng.integers(height - rows + 1))
                return processor.resize(image[top : top + rows, left : left + columns], *processor.size)
        return processor.fit(image)

    def _shifted(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        pad = self.options.shift
        padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        top, left = rng.integers(2 * pad + 1, size=2)
        return padded[top : top + height, left : left + width]

    def _coloured(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        contrast, brightness = rng.uniform(1 - self.options.colour, 1 + self.options.colour, 2)
        values = (np.arange(256) - 128) * contrast + 128 * brightness
        return cv2.LUT(image, np.clip(values, 0, 255).astype(np.uint8))

    @property
    def mixes(self) -> bool:
        """Whether two samples go into one."""
        return self.options.mixup > 0 or self.options.cutmix > 0

    def mix(self, first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Two images of one size as one, by mixup or cutmix (drawn where both are on), and the first's share."""
        use_patch = self.options.cutmix > 0 and (self.options.mixup == 0 or rng.random() < 0.5)
        alpha = self.options.cutmix if use_patch else self.options.mixup
        share = float(rng.beta(alpha, alpha))
        return patch(first, second, share, rng) if use_patch else (blend(first, second, share), share)
