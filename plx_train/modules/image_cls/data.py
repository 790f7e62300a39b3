"""Samples of image classification: changed images for training, plain ones for evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plx_train.contract.module import Dataset
from plx_train.ground.errors import DataError
from plx_train.modules.image_cls.augment import ImageClsAugment
from plx_train.modules.image_cls.labels import ClsLabel
from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.vision.cache import ImageCache
from plx_train.vision.image import ImageError


class ImageClsDataset(Dataset):
    """Images by index; picklable, and free of paddle.

    With `augment`, `get` gives a training sample: ``image`` uint8 (height, width, 3) BGR, ``target`` float32
    (classes,), ``name``. Without, a sample for evaluation: ``x`` float32 (3, height, width), ``shape`` (H, W) of the
    image, ``labels`` (number of the class), ``name``.

    Args:
        cache_bytes: memory for decoded images, in each process that holds the dataset.
    """

    def __init__(
        self,
        samples: Sequence[ClsLabel],
        processor: ImageClsProcessor,
        augment: ImageClsAugment | None = None,
        cache_bytes: int = 0,
    ) -> None:
        self.samples = list(samples)
        self.names = [f"{sample.image.name} ({sample.where})" for sample in self.samples]
        self.processor = processor
        self.augment = augment
        self._cache = ImageCache(cache_bytes)

    def __len__(self) -> int:
        return len(self.samples)

    def original(self, index: int) -> np.ndarray:
        """The image as it is, uint8 (H, W, 3) BGR."""
        return self.samples[index].read()

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """The sample at `index`; evaluation samples draw nothing from `rng`.

        Raises:
            DataError: the image can't be read, with the label file's line.
        """
        sample = self.samples[index]
        if self.augment is None:
            x, shape = self.processor.preprocess(self._read(index))
            return {"x": x, "shape": shape, "labels": sample.labels, "name": self.names[index]}
        image = self.augment.change(self._read(index), self.processor, rng)
        target = np.zeros(len(self.processor.labels), np.float32)
        target[sample.labels] = 1
        if self.augment.mixes:
            other = int(rng.integers(len(self.samples)))
            second = self.augment.change(self._read(other), self.processor, rng)
            image, share = self.augment.mix(image, second, rng)
            target *= share
            target[self.samples[other].labels] += 1 - share
        return {"image": image, "target": target, "name": self.names[index]}

    def _read(self, index: int) -> np.ndarray:
        sample = self.samples[index]
        try:
            return self._cache.get(index, sample.read)
        except ImageError as error:
            raise DataError(f"{sample.where}: {error}") from None


def collate(samples: Sequence[dict[str, Any]], processor: ImageClsProcessor) -> dict[str, Any]:
    """A batch of training samples: ``x`` float32 (N, 3, h, w), ``target`` float32 (N, classes), ``names``."""
    x = np.empty((len(samples), 3, *samples[0]["image"].shape[:2]), np.float32)
    for sample, planes in zip(samples, x, strict=True):
        processor.normalise(sample["image"], planes)
    return {
        "x": x,
        "target": np.stack([sample["target"] for sample in samples]),
        "names": [sample["name"] for sample in samples],
    }


def collate_eval(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A batch of images: ``x`` float32 (N, 3, h, w), ``names``."""
    return {"x": np.stack([sample["x"] for sample in samples]), "names": [sample["name"] for sample in samples]}
