"""What a dataset offers to loader and evaluator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from plx_train.contract.sample import Batch, Sample


@dataclass(frozen=True)
class Moment:
    """The batch that training samples are made for.

    Attributes:
        words: seed what a batch draws as a whole: the run's seed, the epoch, the batch's number in it.
        progress: share of the training that is over when the batch is used, 0 to 1.
    """

    words: tuple[int, ...]
    progress: float


class Dataset(ABC):
    """Samples by index; picklable and free of paddle, because loader workers hold it."""

    names: Sequence[str]
    """A readable name per sample, for messages."""
    makes_batches: ClassVar[bool] = False
    """Whether `batch` makes whole training batches, which no worker process needs to copy."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def original(self, index: int) -> Any:
        """What the sample was made of, as `Predictor.predict` takes it and `Room.overlay` draws on it."""

    @abstractmethod
    def get(self, index: int, rng: np.random.Generator) -> Sample:
        """The sample at `index`; every random choice is drawn from `rng`.

        Raises:
            DataError: it can't be read.
        """

    def at(self, moment: Moment) -> Dataset:
        """What gives the samples of one training batch; itself, where they are alike in all."""
        return self

    def groups(self) -> np.ndarray | None:
        """A number per sample, int64 (N,): batches are made of samples with near ones; None where any will do."""
        return None

    def batch(self, indices: np.ndarray) -> Batch:
        """A training batch of the samples at `indices`, int64 (N,), made in one go where nothing is drawn."""
        raise NotImplementedError
