"""Batches in a fixed order: (seed, epoch, cursor) names every sample and every random draw.

Samples are made in worker processes that never import paddle; whatever their number or speed, the batches are the
same and come in the same order, and finding the place of a run that is continued decodes nothing.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import multiprocessing.process
import os
import sys
import threading
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
    """The order of samples, a pure function of (seed, epoch).

    Attributes:
        batch_size: samples of a batch, those of all processes together.
        parts: processes that share each batch; the batches are the same for any number of them.
        part: which of the nearly equal shares is this process's.
    """

    num_samples: int
    batch_size: int
    seed: int
    shuffle: bool = True
    parts: int = 1
    part: int = 0

    @property
    def batches_per_epoch(self) -> int:
        """The last batch may be smaller than the others, or larger by fewer samples than there are processes.

        No sample is dropped, none comes twice, and no process is without one.
        """
        full, rest = divmod(self.num_samples, self.batch_size)
        return full + (rest >= self.parts)

    def order(self, epoch: int) -> np.ndarray:
        """Sample indices of one epoch, int64 (num_samples,)."""
        if not self.shuffle:
            return np.arange(self.num_samples)
        return np.random.default_rng([self.seed, epoch]).permutation(self.num_samples)

    def batches(self, epoch: int, cursor: int = 0) -> Iterator[list[tuple[int, list[int]]]]:
        """From batch `cursor` on: per sample its index and the seed words of its random generator."""
        order = self.order(epoch)
        for number in range(cursor, self.batches_per_epoch):
            start = number * self.batch_size
            is_last = number == self.batches_per_epoch - 1
            size = (self.num_samples if is_last else start + self.batch_size) - start
            own = range(start + size * self.part // self.parts, start + size * (self.part + 1) // self.parts)
            yield [(int(order[place]), [self.seed, epoch, place]) for place in own]


class Loader:
    """Iterates over the batches of an epoch, made by `num_workers` processes (0: in this one).

    With `skips_unreadable` a sample that can't be read is left out of its batch and its name kept in `unreadable`;
    of a batch without any sample that can be read nothing is left but an empty dict.
    """

    def __init__(
        self, dataset: Dataset, sampler: Sampler, collate: Any, num_workers: int = 0, skips_unreadable: bool = False
    ) -> None:
        self.dataset = dataset
        self.sampler = sampler
        self.collate = collate
        self.num_workers = num_workers
        self.skips_unreadable = skips_unreadable
        self.unreadable: set[str] = set()
        self._pool: ProcessPoolExecutor | None = None
        self._workers: list[multiprocessing.process.BaseProcess] = []

    def epoch(self, epoch: int, cursor: int = 0) -> Iterator[Batch]:
        """Batches `cursor`, `cursor` + 1, … of `epoch`.

        Raises:
            DataError: a sample can't be read, or a worker process was killed.
        """
        batches = self.sampler.batches(epoch, cursor)
        if self.num_workers == 0:
            for keys in batches:
                yield self._batch([_sample(self.dataset, key) for key in keys])
            return
        yield from self._from_workers(batches)

    def _batch(self, samples: list[dict[str, Any] | Unreadable]) -> Batch:
        read = [sample for sample in samples if not isinstance(sample, Unreadable)]
        for sample in samples:
            if isinstance(sample, Unreadable):
                if not self.skips_unreadable:
                    raise sample.error
                self.unreadable.add(sample.name)
        return self.collate(read) if read else {}

    def _from_workers(self, batches: Iterator[list[tuple[int, list[int]]]]) -> Iterator[Batch]:
        pool = self._start()
        waiting: deque[Future[list[dict[str, Any] | Unreadable]]] = deque()
        try:
            for keys in batches:
                waiting.append(pool.submit(_worker_samples, keys))
                if len(waiting) >= self.num_workers * PREFETCH_PER_WORKER:
                    yield self._batch(waiting.popleft().result())
            while waiting:
                yield self._batch(waiting.popleft().result())
        except BrokenProcessPool as error:
            self.close()
            raise DataError(
                "a loader worker was killed, most often for lack of memory: lower device.num_workers or "
                "trainer.batch_size"
            ) from error
        finally:
            for future in waiting:
                future.cancel()

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            others = set(multiprocessing.active_children())
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
            self._workers = [child for child in multiprocessing.active_children() if child not in others]
        return self._pool

    def close(self) -> None:
        """Ends the worker processes, at once: they hold nothing that is worth waiting for."""
        if self._pool is None:
            return
        for worker in self._workers:
            worker.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None


@dataclass(frozen=True)
class Unreadable:
    """A sample that could not be read, in its place."""

    name: str
    error: DataError


_worker_dataset: Dataset | None = None


def _worker_start(dataset: Dataset) -> None:
    global _worker_dataset
    import signal

    import cv2

    # Signals reach the whole process group; the parent alone decides what happens then.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _worker_dataset = dataset


def _end_with_parent() -> None:
    """A parent that was killed can't end its workers, which would wait for it for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _worker_ready() -> None:
    return None


def _worker_samples(keys: list[tuple[int, list[int]]]) -> list[dict[str, Any] | Unreadable]:
    assert _worker_dataset is not None
    return [_sample(_worker_dataset, key) for key in keys]


def _sample(dataset: Dataset, key: tuple[int, list[int]]) -> dict[str, Any] | Unreadable:
    index, seed = key
    try:
        return dataset.get(index, np.random.default_rng(seed))
    except DataError as error:
        return Unreadable(dataset.names[index], error)


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
