"""Labelled images, and the dataset of them: changed ones for training, plain ones for evaluation."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from plx_train.contract.dataset import Dataset, Moment
from plx_train.contract.dataset_options import WHITE
from plx_train.contract.processor import Processor
from plx_train.contract.sample import Batch, Sample
from plx_train.ground.errors import DataError
from plx_train.vision.bounds import TooManyPixels
from plx_train.vision.cache import ImageCache
from plx_train.vision.image import ImageError, image_size, read_image

NUM_THREADS = 2
TruthT = TypeVar("TruthT")


@dataclass(frozen=True)
class LabelledImage(Generic[TruthT]):
    """An image of a dataset with its truth.

    Attributes:
        image: absolute path.
        where: its place in the label file, as ``train.txt:12``.
        background: what transparent pixels lie on.
        weight: how much its truth is trusted, 0 to 1.
    """

    image: Path
    truth: TruthT
    where: str
    background: str = field(default=WHITE, kw_only=True)
    weight: float = field(default=1.0, kw_only=True)

    @property
    def document(self) -> str:
        """What must not be split between training and held-out samples."""
        return str(self.image)

    @property
    def key(self) -> Hashable:
        """What two samples share whose pictures are the same."""
        return self.image

    @property
    def beside(self) -> tuple[Path, ...]:
        """Other files that its truth is read from."""
        return ()

    def read(self) -> np.ndarray:
        """The picture, uint8 (H, W, 3) BGR.

        Raises:
            ImageError: it can't be read.
        """
        return read_image(self.image, background=self.background)

    def part(self, picture: np.ndarray) -> np.ndarray:
        """The sample's own part of its picture, where that is of several."""
        return picture


Labelled = TypeVar("Labelled", bound=LabelledImage[Any])
LabelledIn = TypeVar("LabelledIn", bound=LabelledImage[Any], contravariant=True)


class Change(Protocol[LabelledIn]):
    """How training samples are made: picklable, and free of paddle."""

    def __call__(
        self, samples: Sequence[LabelledIn], index: int, read: Callable[[int], np.ndarray], rng: np.random.Generator
    ) -> tuple[Any, Any]:
        """What `Module.collate` takes for ``x`` and ``truth``; every random choice is drawn from `rng`."""
        ...


class TimedChange(ABC, Generic[LabelledIn]):
    """A `Change` that depends on the batch that samples are made for."""

    @abstractmethod
    def at(self, moment: Moment) -> Change[LabelledIn]:
        """The change for the samples of one batch."""

    @abstractmethod
    def __call__(
        self, samples: Sequence[LabelledIn], index: int, read: Callable[[int], np.ndarray], rng: np.random.Generator
    ) -> tuple[Any, Any]:
        """As that of a `Change`."""


class ImageDataset(Dataset, Generic[Labelled]):
    """Images by index; picklable, and free of paddle.

    With `change`, `get` gives training samples as `change` makes them. Without, samples for evaluation: ``x`` and
    ``context`` as `processor` makes them, the image's ``truth``.

    Args:
        cache_bytes: memory for decoded images, in each process that holds the dataset.
        group: a number for an image of (height, width), near for those that should share a batch; picklable.
    """

    def __init__(
        self,
        samples: Sequence[Labelled],
        processor: Processor,
        change: Change[Labelled] | None = None,
        cache_bytes: int = 0,
        group: Callable[[tuple[int, int]], int] | None = None,
    ) -> None:
        self.samples = list(samples)
        self.names = [f"{sample.image.name} ({sample.where})" for sample in self.samples]
        self.processor = processor
        self.change = change
        self.group = group
        self._cache = ImageCache(cache_bytes)

    def __len__(self) -> int:
        return len(self.samples)

    def original(self, index: int) -> np.ndarray:
        """The image as it is, uint8 (H, W, 3) BGR."""
        return self.samples[index].part(self.samples[index].read())

    def at(self, moment: Moment) -> Dataset:
        """Itself, or with the change for that batch; what is kept in memory is the same."""
        if not isinstance(self.change, TimedChange):
            return self
        timed = copy.copy(self)
        timed.change = self.change.at(moment)
        return timed

    def groups(self) -> np.ndarray | None:
        """The number of each image's group, int64 (N,), 0 where its size can't be read; None where any may share."""
        if self.group is None:
            return None
        with ThreadPoolExecutor(NUM_THREADS) as pool:
            return np.asarray(list(pool.map(self._group_of, self.samples)), np.int64)

    def _group_of(self, sample: Labelled) -> int:
        assert self.group is not None
        try:
            return self.group(image_size(sample.image))
        except ImageError:
            return 0  # told by `get`, with the label's line

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        """The sample at `index`; evaluation samples draw nothing from `rng`.

        Raises:
            DataError: the image can't be read or is too long, with the label file's line.
        """
        try:
            if self.change is None:
                x, context = self.processor.preprocess(self.read(index))
                return Sample(x, context, self.samples[index].truth, self.names[index])
            x, truth = self.change(self.samples, index, self.read, rng)
            return Sample(x, None, truth, self.names[index], self.samples[index].weight)
        except TooManyPixels as error:
            raise DataError(f"{self.samples[index].where}: {self.samples[index].image}: {error}") from None

    def read(self, index: int) -> np.ndarray:
        """The image at `index`, uint8 (H, W, 3) BGR; nobody may write into it.

        Raises:
            DataError: it can't be read.
        """
        sample = self.samples[index]
        try:
            return sample.part(self._cache.get(sample.key, sample.read))
        except ImageError as error:
            raise DataError(f"{sample.where}: {error}") from None


def stack_eval(samples: Sequence[Sample]) -> Batch:
    """A batch of images of one size to evaluate: ``x`` float32 (N, 3, h, w), ``names``."""
    return {"x": np.stack([sample.x for sample in samples]), "names": [sample.name for sample in samples]}


def pad_eval(samples: Sequence[Sample]) -> Batch:
    """A batch of images of one height to evaluate, padded by zeros to the widest: as `stack_eval`."""
    width = max(sample.x.shape[2] for sample in samples)
    x = np.zeros((len(samples), *samples[0].x.shape[:2], width), np.float32)
    for row, sample in zip(x, samples, strict=True):
        row[:, :, : sample.x.shape[2]] = sample.x
    return {"x": x, "names": [sample.name for sample in samples]}


def planes(images: Sequence[np.ndarray], normalise: Callable[[np.ndarray, np.ndarray], Any]) -> np.ndarray:
    """Training images uint8 (h, w, 3) of one size as float32 (N, 3, h, w), each written by `normalise`."""
    x = np.empty((len(images), 3, *images[0].shape[:2]), np.float32)
    for image, out in zip(images, x, strict=True):
        normalise(image, out)
    return x
