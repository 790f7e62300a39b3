"""Samples of text detection: random crops with targets for training, whole pages for evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np

from plx_train.contract.module import Dataset
from plx_train.ground.errors import DataError
from plx_train.modules.text_det.augment import TextDetAugment
from plx_train.modules.text_det.labels import PageLabel
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.modules.text_det.targets import TextDetTargets
from plx_train.vision.cache import ImageCache
from plx_train.vision.image import ImageError, read_image


class TextDetDataset(Dataset):
    """Pages by index; picklable, and free of paddle.

    With `augment`, `get` gives a training sample: ``image`` uint8 (S, S, 3) BGR, ``shrink_map``,
    ``shrink_mask`` and perhaps ``threshold_map``, ``threshold_mask`` (S, S), ``name``. Without, a sample for
    evaluation: ``x`` float32 (3, h, w), ``shape`` (H, W) of the page, ``labels``, ``name``.
    """

    def __init__(
        self,
        pages: Sequence[PageLabel],
        processor: TextDetProcessor,
        augment: TextDetAugment | None = None,
        shrink_ratio: float = TextDetTargets.shrink_ratio,
        min_text_size: float = TextDetTargets.min_text_size,
        with_threshold: bool = TextDetTargets.with_threshold,
        cache_bytes: int = 0,
    ) -> None:
        """
        Args:
            pages: as from `read_lines`.
            processor: what evaluation does to a page.
            augment: how training crops are made; None for evaluation.
            shrink_ratio, min_text_size, with_threshold: see `TextDetTargets`.
            cache_bytes: memory for decoded pages, in each process that holds the dataset.
        """
        self.pages = list(pages)
        self.names = [f"{page.image.name} ({page.where})" for page in self.pages]
        self.processor = processor
        self.augment = augment
        self.targets = TextDetTargets(shrink_ratio, min_text_size, with_threshold)
        self._cache = ImageCache(cache_bytes)

    def __len__(self) -> int:
        return len(self.pages)

    def original(self, index: int) -> np.ndarray:
        """The page as it is, uint8 (H, W, 3) BGR."""
        return read_image(self.pages[index].image)

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """The sample at `index`; evaluation samples draw nothing from `rng`.

        Raises:
            DataError: the page's image can't be read, with the label file's line.
        """
        page = self.pages[index]
        try:
            image = self._cache.get(page.image, partial(read_image, page.image))
        except ImageError as error:
            raise DataError(f"{page.where}: {error}") from None
        if self.augment is None:
            x, shape = self.processor.preprocess(image)
            return {"x": x, "shape": shape, "labels": page.labels, "name": self.names[index]}
        return self._training_sample(page, image, rng) | {"name": self.names[index]}

    def _training_sample(self, page: PageLabel, image: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
        assert self.augment is not None
        height, width = image.shape[:2]
        crop = self.augment.crop(
            image,
            [label.points for label in page.labels],
            np.asarray([label.ignore for label in page.labels], bool),
            self.processor.input_size((height, width)),
            rng,
        )
        return {"image": crop.image, **self.targets.make(crop.polygons, crop.ignore, crop.image.shape[:2])}


def collate(samples: Sequence[dict[str, Any]], processor: TextDetProcessor) -> dict[str, Any]:
    """A batch of training samples: ``x`` float32 (N, 3, S, S), the maps float32 (N, S, S), ``names``."""
    images = [sample["image"] for sample in samples]
    if processor.image_mode == "RGB":
        images = [cv2.cvtColor(image, cv2.COLOR_BGR2RGB) for image in images]
    maps = [name for name in ("shrink_map", "shrink_mask", "threshold_map", "threshold_mask") if name in samples[0]]
    x = np.empty((len(images), 3, *images[0].shape[:2]), np.float32)
    for image, planes in zip(images, x, strict=True):
        processor.normalise(image, planes)
    return {
        "x": x,
        "names": [sample["name"] for sample in samples],
        **{name: np.stack([sample[name] for sample in samples], dtype=np.float32) for name in maps},
    }


def collate_eval(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A batch of pages that share one size: ``x`` float32 (N, 3, h, w), ``names``."""
    return {
        "x": np.stack([sample["x"] for sample in samples]),
        "names": [sample["name"] for sample in samples],
    }
