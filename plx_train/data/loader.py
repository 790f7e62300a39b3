"""Batches in a fixed order: (seed, epoch, cursor) names every sample and every random draw.

Samples are made in worker processes that never import paddle; whatever their number or speed, the batches are the
same and come in the same order, and finding the place of a run that is continued decodes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from plx_train.contract.dataset import Dataset, Moment
from plx_train.contract.sample import Batch, Sample
from plx_train.data.worker_pool import WorkerLost, WorkerPool
from plx_train.ground.errors import DataError

Collate = Callable[[list[Sample]], Batch]
"""Makes a batch of samples."""


@dataclass(frozen=True)
class Sampler:
    """The order of samples, a pure function of (seed, epoch).

    Attributes:
        batch_size: samples of a batch, those of all processes together.
        parts: processes that share each batch; the batches are the same for any number of them.
        part: which of the nearly equal shares is this process's.
        groups: a number per sample, int64 (num_samples,); samples of near numbers go into one batch.
        repeats: times that an epoch goes through the samples, in an order of its own each time.
    """

    num_samples: int
    batch_size: int
    seed: int
    shuffle: bool = True
    parts: int = 1
    part: int = 0
    groups: np.ndarray | None = None
    repeats: int = 1

    @property
    def _total(self) -> int:
        """Samples of an epoch."""
        return self.num_samples * self.repeats

    @property
    def batches_per_epoch(self) -> int:
        """The last batch may be smaller than the others, or larger by fewer samples than there are processes.

        No sample is dropped, none comes twice, and no process is without one.
        """
        full, rest = divmod(self._total, self.batch_size)
        return full + (rest >= self.parts)

    def order(self, epoch: int) -> np.ndarray:
        """Sample indices of one epoch, int64 (num_samples · repeats,)."""
        if not self.shuffle:
            return np.tile(np.arange(self.num_samples), self.repeats)
        rng = np.random.default_rng([self.seed, epoch])
        rounds = [self._shuffled(rng) for _ in range(self.repeats)]
        return rounds[0] if self.repeats == 1 else np.concatenate(rounds)

    def _shuffled(self, rng: np.random.Generator) -> np.ndarray:
        order = rng.permutation(self.num_samples)
        return order if self.groups is None else self._by_group(order, rng)

    def _by_group(self, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """`order` with near groups together, cut into batches, and these in random order."""
        order = order[np.argsort(self.groups[order], kind="stable")]  # type: ignore[index]
        full, rest = divmod(self.num_samples, self.batch_size)
        # The short batch comes last, as without groups; which samples it is made of is drawn, or it were the widest.
        start = int(rng.integers(full + 1)) * self.batch_size
        short, others = order[start : start + rest], np.delete(order, slice(start, start + rest))
        shuffled = others.reshape(full, self.batch_size)[rng.permutation(full)]
        return np.concatenate([shuffled.ravel(), short])

    def batches(self, epoch: int, cursor: int = 0) -> Iterator[list[tuple[int, list[int]]]]:
        """Batches from `cursor` on: per sample its index and the seed words of its random generator."""
        order = self.order(epoch)
        for own in self._places(cursor):
            yield [(int(order[place]), [self.seed, epoch, place]) for place in own]

    def indices(self, epoch: int, cursor: int = 0) -> Iterator[np.ndarray]:
        """Batches from `cursor` on, as the indices of their samples alone, int64 (samples,)."""
        order = self.order(epoch)
        for own in self._places(cursor):
            yield order[own.start : own.stop]

    def _places(self, cursor: int) -> Iterator[range]:
        """This process's part of each batch, as places in the epoch's order."""
        for number in range(cursor, self.batches_per_epoch):
            start = number * self.batch_size
            is_last = number == self.batches_per_epoch - 1
            size = (self._total if is_last else start + self.batch_size) - start
            yield range(start + size * self.part // self.parts, start + size * (self.part + 1) // self.parts)


class Loader:
    """Iterates over the batches of an epoch, made by `num_workers` processes (0: in this one).

    With `skips_unreadable` a sample that can't be read is left out of its batch and its name kept in `unreadable`;
    of a batch without any sample that can be read nothing is left but an empty dict.
    """

    def __init__(
        self, dataset: Dataset, sampler: Sampler, collate: Collate, num_workers: int = 0, skips_unreadable: bool = False
    ) -> None:
        self.dataset = dataset
        self.sampler = sampler
        self.collate = collate
        self.num_workers = num_workers
        self.skips_unreadable = skips_unreadable
        self.unreadable: set[str] = set()
        self.progress: Callable[[int, int], float] = _beginning
        """Share of the training that is over at a batch, by its epoch and number."""
        self._pool: WorkerPool | None = None
        # Such batches are views of what is in memory: a worker process could only copy it.
        self._is_whole = dataset.makes_batches

    def epoch(self, epoch: int, cursor: int = 0) -> Iterator[Batch]:
        """Batches `cursor`, `cursor` + 1, … of `epoch`.

        Raises:
            DataError: a sample can't be read, or a worker process was killed.
        """
        if self._is_whole:
            yield from map(self.dataset.batch, self.sampler.indices(epoch, cursor))
            return
        batches = (
            (Moment((self.sampler.seed, epoch, number), self.progress(epoch, number)), keys)
            for number, keys in enumerate(self.sampler.batches(epoch, cursor), cursor)
        )
        read = partial(_samples, self.dataset)
        if self.num_workers == 0:
            yield from (self._batch(read(job)) for job in batches)
            return
        try:
            if self._pool is None:
                self._pool = WorkerPool(read, self.num_workers)
            yield from (self._batch(samples) for samples in self._pool.map(batches))
        except WorkerLost as error:
            self.close()
            raise DataError(
                "a loader worker was killed, most often for lack of memory: lower device.num_workers or "
                "trainer.batch_size"
            ) from error

    def _batch(self, samples: list[Sample | Unreadable]) -> Batch:
        read = [sample for sample in samples if not isinstance(sample, Unreadable)]
        for sample in samples:
            if isinstance(sample, Unreadable):
                if not self.skips_unreadable:
                    raise sample.error
                self.unreadable.add(sample.name)
        return self.collate(read) if read else {}

    def close(self) -> None:
        """Ends the worker processes."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None


def _beginning(epoch: int, number: int) -> float:
    return 0.0


@dataclass(frozen=True)
class Unreadable:
    """A sample that could not be read, in its place."""

    name: str
    error: DataError


Job = tuple[Moment, list[tuple[int, list[int]]]]
"""A batch: when it is used, and per sample its index and the seed words of its random generator."""


def _samples(dataset: Dataset, job: Job) -> list[Sample | Unreadable]:
    moment, keys = job
    dataset = dataset.at(moment)
    return [_sample(dataset, *key) for key in keys]


def _sample(dataset: Dataset, index: int, seed: list[int]) -> Sample | Unreadable:
    try:
        return dataset.get(index, np.random.default_rng(seed))
    except DataError as error:
        return Unreadable(dataset.names[index], error)
