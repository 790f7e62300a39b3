"""Samples of text recognition: changed crops for training, plain ones for evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.ground.errors import DataError
from plx_train.modules.text_rec.augment import TextRecAugment
from plx_train.modules.text_rec.labels import LineLabel
from plx_train.modules.text_rec.processor import HEIGHT, MAX_WIDTH, TextRecProcessor, steps_needed, steps_of
from plx_train.modules.text_rec.targets import guide_tokens
from plx_train.vision.cache import ImageCache
from plx_train.vision.image import ImageError, image_size, read_image

GROUP_WIDTH = 64
"""Crops whose widths differ by less go into one batch, as far as there are enough; pixels at a height of 48."""
MIN_WIDTH = 16


class TextRecDataset(Dataset):
    """Crops by index; picklable, and free of paddle.

    With `augment`, `get` gives a training sample: ``image`` uint8 (48, w, 3) BGR, ``classes`` of the text,
    ``name``. Without, a sample for evaluation: ``x`` float32 (3, 48, w), ``shape`` (H, W) of the crop, ``labels``
    (the text), ``name``.
    """

    def __init__(
        self,
        crops: Sequence[LineLabel],
        processor: TextRecProcessor,
        augment: TextRecAugment | None = None,
        cache_bytes: int = 0,
    ) -> None:
        """`cache_bytes` is the memory for decoded crops, in each process that holds the dataset."""
        self.crops = list(crops)
        self.names = [f"{crop.image.name} ({crop.where})" for crop in self.crops]
        self.processor = processor
        self.augment = augment
        self._cache = ImageCache(cache_bytes)

    def __len__(self) -> int:
        return len(self.crops)

    def original(self, index: int) -> np.ndarray:
        """The crop as it is, uint8 (H, W, 3) BGR."""
        return read_image(self.crops[index].image)

    def groups(self) -> np.ndarray:
        """Per crop a number, int64 (N,), that is near for crops of near widths; batches are made of such."""
        with ThreadPoolExecutor(2) as pool:
            widths = list(pool.map(self._width, self.crops))
        return np.asarray(widths, np.int64) // GROUP_WIDTH

    def _width(self, crop: LineLabel) -> int:
        try:
            return self.processor.input_width(image_size(crop.image))[1]
        except ImageError:
            return 0  # told by `get`, with the label's line

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """The sample at `index`; evaluation samples draw nothing from `rng`.

        Raises:
            DataError: the crop can't be read, with the label file's line.
        """
        crop = self.crops[index]
        try:
            image = self._cache.get(crop.image, partial(read_image, crop.image))
        except ImageError as error:
            raise DataError(f"{crop.where}: {error}") from None
        if self.augment is None:
            x, shape = self.processor.preprocess(image)
            return {"x": x, "shape": shape, "labels": crop.labels, "name": self.names[index]}
        height, width = image.shape[:2]
        resized = HEIGHT * width / height * self.augment.draw_stretch(rng)
        size = (HEIGHT, int(np.clip(np.ceil(resized), MIN_WIDTH, MAX_WIDTH)))
        changed = self.augment.change(image, size, rng)
        return {"image": changed, "classes": self.processor.encode(crop.labels), "name": self.names[index]}


def collate(
    samples: Sequence[dict[str, Any]], processor: TextRecProcessor, guide_max_length: int | None = None
) -> dict[str, Any]:
    """A batch of training samples, as wide as its widest.

    ``x`` float32 (N, 3, 48, W), ``classes`` int32 (N, L), ``lengths`` int64 (N,), ``names``; for a guide, which learns
    texts up to `guide_max_length`, also ``guide_tokens`` int64 (N, S).
    """
    width = max(processor.width, *(sample["image"].shape[1] for sample in samples))
    # A text with more characters than its crop has steps has no probability at all: padding gives it steps.
    needed = max(steps_needed(sample["classes"]) for sample in samples)
    while steps_of(width) < needed:
        width += 8
    longest = max(1, *(len(sample["classes"]) for sample in samples))
    classes = np.zeros((len(samples), longest), np.int32)
    for row, sample in zip(classes, samples, strict=True):
        row[: len(sample["classes"])] = sample["classes"]
    x = np.zeros((len(samples), 3, HEIGHT, width), np.float32)
    for sample, canvas in zip(samples, x, strict=True):
        processor.write(sample["image"], canvas)
    batch = {
        "x": x,
        "classes": classes,
        "lengths": np.asarray([len(sample["classes"]) for sample in samples], np.int64),
        "names": [sample["name"] for sample in samples],
    }
    if guide_max_length is not None:
        batch["guide_tokens"] = guide_tokens([sample["classes"] for sample in samples], guide_max_length)
    return batch


def collate_eval(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A batch of crops padded to the widest: ``x`` float32 (N, 3, 48, w), ``names``."""
    width = max(sample["x"].shape[2] for sample in samples)
    x = np.zeros((len(samples), 3, HEIGHT, width), np.float32)
    for row, sample in zip(x, samples, strict=True):
        row[:, :, : sample["x"].shape[2]] = sample["x"]
    return {"x": x, "names": [sample["name"] for sample in samples]}
