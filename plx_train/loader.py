"""Batches in a fixed order: (seed, epoch, cursor) names every sample and every random draw.

Samples are made in worker processes that never import paddle; whatever their number or speed, the batches are the
same and come in the same order, and finding the place of a run that is continued decodes nothing.
"""

from __future__ import annotations

import multiprocessing
import sys
import types
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract import Batch, Dataset
from plx_train.errors import DataError

PREFETCH_PER_WORKER = 2
"""Batches made ahead by each worker: enough to hide a slow page, few enough to bound memory."""


@dataclass(frozen=True)
class Sampler:
    """The order of samples, a pure function of (seed, epoch)."""

    num_samples: int
    batch_size: int
    seed: int
    shuffle: bool = True

    @property
    def batches_per_epoch(self) -> int:
        """The last batch may be smaller than the others; no sample is dropped."""
        return -(-self.num_samples // self.batch_size)

    def order(self, epoch: int) -> np.ndarray:
        """Sample indices of one epoch, int64 (num_samples,)."""
        if not self.shuffle:
            return np.arange(self.num_samples)
        return np.random.default_rng([self.seed, epoch]).permutation(self.num_samples)

    def batches(self, epoch: int, cursor: int = 0) -> Iterator[list[tuple[int, list[int]]]]:
        """From batch `cursor` on: per sample its index and the seed words of its random generator."""
        order = self.order(epoch)
        for start in range(cursor * self.batch_size, self.num_samples, self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield [(int(index), [self.seed, epoch, start + offset]) for offset, index in enumerate(chosen)]


class Loader:
    """Iterates over the batches of an epoch, made by `num_workers` processes (0: in this one)."""

    def __init__(self, dataset: Dataset, sampler: Sampler, collate: Any, num_workers: int = 0) -> None:
        self.dataset = dataset
        self.sampler = sampler
        self.collate = collate
        self.num_workers = num_workers
        self._pool: ProcessPoolExecutor | None = None

    def epoch(self, epoch: int, cursor: int = 0) -> Iterator[Batch]:
        """Batches `cursor`, `cursor` + 1, … of `epoch`.

        Raises:
            DataError: a sample can't be read, or a worker process was killed.
        """
        batches = self.sampler.batches(epoch, cursor)
        if self.num_workers == 0:
            for keys in batches:
                yield self.collate([_sample(self.dataset, key) for key in keys])
            return
        yield from self._from_workers(batches)

    def _from_workers(self, batches: Iterator[list[tuple[int, list[int]]]]) -> Iterator[Batch]:
        pool = self._start()
        waiting: deque[Future[list[dict[str, Any]]]] = deque()
        try:
            for keys in batches:
                waiting.append(pool.submit(_worker_samples, keys))
                if len(waiting) >= self.num_workers * PREFETCH_PER_WORKER:
                    yield self.collate(waiting.popleft().result())
            while waiting:
                yield self.collate(waiting.popleft().result())
        except BrokenProcessPool as error:
            self._pool = None
            raise DataError(
                "a loader worker was killed, most often for lack of memory: lower device.num_workers or "
                "trainer.batch_size"
            ) from error
        finally:
            for future in waiting:
                future.cancel()

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            with _without_main_module():
                self._pool = ProcessPoolExecutor(
                    self.num_workers,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_worker_start,
                    initargs=(self.dataset,),
                )
                # The processes start at the first submits: have them all started while `__main__` is hidden.
                for future in [self._pool.submit(_worker_ready) for _ in range(self.num_workers)]:
                    future.result()
        return self._pool

    def close(self) -> None:
        """Ends the worker processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


_worker_dataset: Dataset | None = None


def _worker_start(dataset: Dataset) -> None:
    global _worker_dataset
    import signal

    import cv2

    # Ctrl-C reaches the whole process group; the parent alone decides what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _worker_dataset = dataset


def _worker_ready() -> None:
    return None


def _worker_samples(keys: list[tuple[int, list[int]]]) -> list[dict[str, Any]]:
    assert _worker_dataset is not None
    return [_sample(_worker_dataset, key) for key in keys]


def _sample(dataset: Dataset, key: tuple[int, list[int]]) -> dict[str, Any]:
    index, seed = key
    return dataset.get(index, np.random.default_rng(seed))


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Hides `__main__` while processes are spawned.

    Spawned processes run the caller's main script again, which breaks every script without an
    ``if __name__ == "__main__"`` guard and costs an import of paddle in each worker; ours need nothing of it.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
