"""Random changes of training images; every draw comes from the sample's own generator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from plx_train.modules.image_cls.processor import ImageClsProcessor

ATTEMPTS = 10


@dataclass(frozen=True)
class ImageClsAugment:
    """What is changed; fields as in `ImageClsAugmentOptions`."""

    crop: tuple[float, float] = (0.6, 1.0)
    aspect: float = 1.33
    flip: bool = True
    colour: float = 0.3
    shift: int = 0
    erase_probability: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    def change(self, image: np.ndarray, processor: ImageClsProcessor, rng: np.random.Generator) -> np.ndarray:
        """A changed image at the network's size, uint8 (height, width, 3), from one (H, W, 3)."""
        image = self._cut(image, processor, rng)
        if self.flip and rng.random() < 0.5:
            image = cv2.flip(image, 1)
        if self.shift:
            image = self._shifted(image, rng)
        if self.colour:
            image = self._coloured(image, rng)
        if self.erase_probability and rng.random() < self.erase_probability:
            image = self._erased(image, rng)
        return np.ascontiguousarray(image)

    def _cut(self, image: np.ndarray, processor: ImageClsProcessor, rng: np.random.Generator) -> np.ndarray:
        if tuple(self.crop) == (1.0, 1.0):
            return processor.fit(image)
        height, width = image.shape[:2]
        target = processor.size[0] / processor.size[1] if processor.resize_short else width / height
        for _ in range(ATTEMPTS):
            area = height * width * rng.uniform(*self.crop)
            ratio = target * math.exp(rng.uniform(-1, 1) * math.log(self.aspect))
            columns, rows = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < columns <= width and 0 < rows <= height:
                left, top = int(rng.integers(width - columns + 1)), int(rng.integers(height - rows + 1))
                return processor.resize(image[top : top + rows, left : left + columns], *processor.size)
        return processor.fit(image)

    def _shifted(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        pad = self.shift
        padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        top, left = rng.integers(2 * pad + 1, size=2)
        return padded[top : top + height, left : left + width]

    def _coloured(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        contrast, brightness = rng.uniform(1 - self.colour, 1 + self.colour, 2)
        values = (np.arange(256) - 128) * contrast + 128 * brightness
        return cv2.LUT(image, np.clip(values, 0, 255).astype(np.uint8))

    def _erased(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        rows, columns = (max(int(side * rng.uniform(0.1, 0.4)), 1) for side in (height, width))
        top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
        image = image.copy()
        image[top : top + rows, left : left + columns] = rng.integers(0, 256, (rows, columns, 3), np.uint8)
        return image

    @property
    def mixes(self) -> bool:
        """Whether two samples go into one."""
        return self.mixup > 0 or self.cutmix > 0

    def mix(self, first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Two images of one size as one, by mixup or cutmix (drawn where both are on), and the first's share."""
        use_patch = self.cutmix > 0 and (self.mixup == 0 or rng.random() < 0.5)
        alpha = self.cutmix if use_patch else self.mixup
        share = float(rng.beta(alpha, alpha))
        if not use_patch:
            mixed = first.astype(np.float32) * share + second.astype(np.float32) * (1 - share)
            return mixed.round().astype(np.uint8), share
        height, width = first.shape[:2]
        rows, columns = (int(side * math.sqrt(1 - share)) for side in (height, width))
        middle, centre = int(rng.integers(height)), int(rng.integers(width))
        top, bottom = max(middle - rows // 2, 0), min(middle - rows // 2 + rows, height)
        left, right = max(centre - columns // 2, 0), min(centre - columns // 2 + columns, width)
        mixed = first.copy()
        mixed[top:bottom, left:right] = second[top:bottom, left:right]
        return mixed, 1 - max(bottom - top, 0) * max(right - left, 0) / (height * width)
